//! The titles of alerts: texts with expressions in braces.
//!
//! The escapes of the text are resolved first; what stands in braces is then lexed and parsed like
//! any expression, with places that point into the file. A text inside the braces is therefore
//! written with escaped quotes.

use super::super::lexer::{Kind, Places, Unescaped, lex_part, unescape};
use super::super::tree::{Expr, Template, TemplatePart};
use super::expression::expression;
use super::input::{Context, Expected, Parsed, Tokens};
use super::recovery::{report, unexpected};
use crate::diagnostic::{Diagnostic, Span, codes};

/// A text with expressions in braces.
pub(super) fn template(input: Tokens<'_>) -> Parsed<'_, Template> {
    let token = input.peek();
    if token.kind != Kind::Text {
        return input.refuse(Expected::Thing("a title such as `\"Card {card}\"`"));
    }
    if token.damaged {
        // Where the text really ends is not known, and that has been reported.
        let parts = vec![TemplatePart::Text(unescape(token.text).text)];
        return Ok((input.advance(), Template { parts, span: token.span }));
    }
    let Unescaped { text, bytes } = unescape(token.text);
    let bytes: Vec<u32> = bytes.into_iter().map(|byte| byte + token.span.start).collect();
    let places = Places { file: input.context.file, bytes: Some(&bytes) };
    let mut reader =
        Reader { input, text: &text, places, parts: Vec::new(), plain: String::new(), cut: None };
    reader.read();
    match reader.cut {
        Some(problem) => input.fail(problem),
        None => Ok((input.advance(), Template { parts: reader.parts, span: token.span })),
    }
}

struct Reader<'t> {
    input: Tokens<'t>,
    text: &'t str,
    places: Places<'t>,
    parts: Vec<TemplatePart>,
    /// Text that has not become a part yet.
    plain: String,
    /// The problem of a title that ends inside of its braces, because a text stands in them.
    cut: Option<Diagnostic>,
}

impl Reader<'_> {
    fn read(&mut self) {
        let mut at = 0;
        while let Some(brace) = self.text[at..].find(['{', '}']).map(|found| at + found) {
            self.plain.push_str(&self.text[at..brace]);
            at = brace + 1;
            let doubled = self.text.as_bytes().get(at) == self.text.as_bytes().get(brace);
            if doubled {
                self.plain.push_str(&self.text[brace..at]);
                at += 1;
            } else if self.text.as_bytes()[brace] == b'{' {
                at = self.expression(brace);
            } else {
                self.problem(brace, at, "this brace closes nothing", "write `}}` for a brace in a title");
                self.plain.push('}');
            }
        }
        self.plain.push_str(&self.text[at..]);
        self.end_plain();
    }

    fn end_plain(&mut self) {
        if !self.plain.is_empty() {
            self.parts.push(TemplatePart::Text(std::mem::take(&mut self.plain)));
        }
    }

    /// Reads the expression behind the brace at `open` and tells where the text goes on.
    fn expression(&mut self, open: usize) -> usize {
        let problems = self.input.context.problems;
        let tokens = lex_part(self.text, open + 1, self.places, true, problems);
        let end = tokens.last().expect("tokens are closed by an end");
        if end.text.is_empty() {
            // A text that is not closed has taken the brace, and has been reported.
            let follows = self.input.peek_at(1);
            if !follows.starts_line && !follows.is_symbol("{") && follows.kind != Kind::End {
                // The quotation mark that was to begin a text in the braces.
                let end = self.places.span(self.text.len(), self.text.len());
                let quote = Span { end: end.end + 1, ..end };
                self.cut = Some(
                    Diagnostic::new(codes::E0011, quote, "the title ends here, inside of its braces")
                        .also(self.places.span(open, open + 1), "opened here")
                        .help("in the braces of a title, a text begins and ends with `\\\"`"),
                );
            } else if !tokens.iter().any(|token| token.damaged) {
                let help = "write `{{` for a brace in a title";
                self.problem(open, open + 1, "this brace is not closed", help);
            }
            return self.text.len();
        }
        let next = end.text.as_ptr() as usize - self.text.as_ptr() as usize + 1;
        if tokens.len() == 1 {
            let help = "write an expression between the braces, or `{{` and `}}` for braces in a title";
            self.problem(open, next, "there is nothing between these braces", help);
            return next;
        }
        self.end_plain();
        let context = Context::new(self.places.file, problems);
        self.parts.extend(whole_expression(Tokens::new(&tokens, &context)).map(TemplatePart::Expr));
        next
    }

    fn problem(&self, start: usize, end: usize, message: &str, help: &str) {
        let problem = Diagnostic::new(codes::E0011, self.places.span(start, end), message);
        self.input.report(problem.help(help));
    }
}

/// The expression that these tokens are, all of them.
fn whole_expression(tokens: Tokens<'_>) -> Option<Expr> {
    match expression(tokens) {
        Ok((rest, value)) if rest.is_end() => Some(value),
        Ok((rest, _)) => {
            let expected = [Expected::OPERATOR, Expected::Text("}")];
            let mut problem = unexpected(rest, &expected, &[]);
            problem.code = codes::E0011;
            if rest.at_symbol(":") {
                problem =
                    problem.help("the braces hold an expression only; `round(x, 2)` gives two decimals");
            }
            rest.report(problem);
            None
        }
        Err(nom::Err::Error(problem) | nom::Err::Failure(problem)) => {
            report(tokens, problem, &[]);
            None
        }
        Err(nom::Err::Incomplete(_)) => None,
    }
}
