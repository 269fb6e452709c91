//! What stands in braces, field by field: of a stream, a table, an alert, a test's event.
//!
//! A mistake costs one field: it is reported, and the fields behind it are read.

use super::super::lexer::{Kind, Token};
use super::input::{Expected, Parsed, Tokens};
use super::recovery::{at_declaration, leave_unread, report, report_unclosed, unexpected};
use crate::diagnostic::{Diagnostic, codes};

/// What stands in braces, field by field.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// Whether an item begins here, judged by its first tokens.
    pub starts: fn(&Tokens<'_>) -> bool,
    /// Whether something begins here that can only stand outside the braces.
    pub outside: fn(&Tokens<'_>) -> bool,
}

impl Block {
    /// The items up to the closing brace, separated by commas or line ends; `open` is the brace
    /// that has been read. An item with a mistake is reported and left out.
    pub fn items<'a, T>(
        self,
        open: &'a Token<'a>,
        mut item: impl FnMut(Tokens<'a>) -> Parsed<'a, T>,
    ) -> impl FnMut(Tokens<'a>) -> Parsed<'a, Vec<T>> {
        move |mut input| {
            let mut items = Vec::new();
            loop {
                if input.at_symbol("}") {
                    return Ok((input.advance(), items));
                }
                if input.is_end() || at_declaration(&input) || self.is_outside(&input) {
                    report_unclosed(&input, open);
                    return Ok((input, items));
                }
                match self.one(input, &mut item) {
                    Ok((rest, value)) => {
                        items.push(value);
                        input = self.separator(rest);
                    }
                    Err(rest) => input = if rest.at_symbol(",") { rest.advance() } else { rest },
                }
            }
        }
    }

    fn is_outside(self, input: &Tokens<'_>) -> bool {
        input.at_line_start() && !(self.starts)(input) && (self.outside)(input)
    }

    /// One item, or, after a mistake, the place where to go on.
    fn one<'a, T>(
        self,
        input: Tokens<'a>,
        item: &mut impl FnMut(Tokens<'a>) -> Parsed<'a, T>,
    ) -> Result<(Tokens<'a>, T), Tokens<'a>> {
        match item(input) {
            Ok(parsed) => Ok(parsed),
            Err(nom::Err::Error(problem) | nom::Err::Failure(problem)) => {
                let position = problem.position;
                leave_unread(&input);
                report(input, problem, &[]);
                Err(self.recover(input, position))
            }
            // Only streaming parsers ask for more, and there are none here.
            Err(nom::Err::Incomplete(_)) => Err(self.recover(input, input.position())),
        }
    }

    /// Behind an item: past its comma.
    fn separator<'a>(self, input: Tokens<'a>) -> Tokens<'a> {
        if input.at_symbol(",") {
            return input.advance();
        }
        if input.at_symbol("}") || input.is_end() || input.at_line_start() {
            return input;
        }
        if (self.starts)(&input) {
            let problem = Diagnostic::new(codes::E0009, input.gap(), "a comma or a line end is missing here");
            input.report(problem.help("fields in braces are separated by commas or line ends"));
            return input;
        }
        let expected = [Expected::Text(","), Expected::Thing("a line end"), Expected::Text("}")];
        if !input.peek().damaged && !input.previous().is_some_and(|token| token.damaged) {
            input.report(unexpected(input, &expected, &[]));
        }
        let rest = self.recover(input, input.position());
        if rest.at_symbol(",") { rest.advance() } else { rest }
    }

    /// The next comma, line end or closing brace behind `position` that does not stand in inner
    /// brackets, or the line at which another item begins.
    fn recover<'a>(self, from: Tokens<'a>, position: usize) -> Tokens<'a> {
        let mut brackets = 0usize;
        let mut braces = 0usize;
        let mut input = from;
        loop {
            let seen = input.position() >= position && (input.position() > from.position());
            if input.is_end() || seen && at_declaration(&input) {
                return input;
            }
            let free = brackets == 0 && braces == 0;
            let at_line = input.at_line_start() && (free || braces == 0 && (self.starts)(&input));
            if seen && (at_line || self.is_outside(&input)) {
                return input;
            }
            let token = input.peek();
            match token.text {
                _ if token.kind != Kind::Symbol => {}
                "}" if braces == 0 => return input,
                "," if free && input.position() >= position => return input,
                "{" => braces += 1,
                "}" => braces -= 1,
                "(" | "[" => brackets += 1,
                ")" | "]" => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            input = input.advance();
        }
    }
}
