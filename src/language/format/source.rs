//! What the formatter takes from the text itself: tokens, comments and empty lines.
//!
//! Places in the tree say where something was written. Numbers, durations and texts are copied from
//! there; comments are handed out in order, each once, to whatever is printed next.

use super::super::lexer::{Kind, Token, lex};
use super::super::parser::{CLAUSES, DECLARATIONS, Problems, TEST_LINES};
use super::super::tree::{Comment, File};
use super::Extent;
use super::layout::Doc;
use crate::diagnostic::{FileId, Span};

pub(super) struct Source<'a> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
    /// The comments that have not been printed.
    comments: &'a [Comment],
}

impl<'a> Source<'a> {
    /// The text of a file and the comments that its tree holds.
    pub fn new(file: FileId, text: &'a str, tree: &'a File) -> Source<'a> {
        Source { text, tokens: lex(file, text, &Problems::default()), comments: &tree.comments }
    }

    /// The tokens from the byte `start` on.
    fn tokens_from(&self, start: u32) -> &[Token<'a>] {
        &self.tokens[self.tokens.partition_point(|token| token.span.start < start)..]
    }

    fn tokens_of(&self, span: Span) -> impl Iterator<Item = &Token<'a>> {
        self.tokens_from(span.start).iter().take_while(move |token| token.span.end <= span.end)
    }

    /// What is written at a place, without space.
    pub fn written(&self, span: Span) -> String {
        self.tokens_of(span).map(|token| token.text).collect()
    }

    /// The number, duration or text at a place, which may stand in parentheses.
    pub fn literal(&self, span: Span) -> String {
        let is_value = |token: &&Token<'_>| token.kind != Kind::Symbol;
        self.tokens_of(span).find(is_value).map_or(String::new(), |token| token.text.to_owned())
    }

    /// Where the token before `start` begins.
    pub fn before(&self, start: u32) -> u32 {
        let index = self.tokens.partition_point(|token| token.span.start < start);
        index.checked_sub(1).map_or(0, |index| self.tokens[index].span.start)
    }

    /// Where the next of these symbols begins, from the byte `start` on.
    pub fn next_symbol(&self, start: u32, symbol: &str) -> u32 {
        let mut tokens = self.tokens_from(start).iter();
        tokens.find(|token| token.is_symbol(symbol)).map_or(start, |token| token.span.start)
    }

    /// Whether this symbol is the next token, from the byte `start` on.
    pub fn is_symbol(&self, start: u32, symbol: &str) -> bool {
        self.tokens_from(start).first().is_some_and(|token| token.is_symbol(symbol))
    }

    /// The first name or value of what begins at `start`, behind parentheses, `not` and `-`.
    fn first_leaf(&self, start: u32) -> Option<&Token<'a>> {
        let leads = |token: &Token<'_>| token.is_symbol("(") || token.is_symbol("-") || token.is_word("not");
        self.tokens_from(start).iter().find(|token| !leads(token))
    }

    /// Whether a line may begin with what begins at `start`: a name that is also the first word of a
    /// declaration, a clause or a line of a test could be taken for that.
    pub fn may_begin_line(&self, start: u32) -> bool {
        let begins_other = |word: &&str| {
            let mut words = DECLARATIONS.iter().chain(&CLAUSES).chain(&TEST_LINES);
            words.any(|begins| begins == word)
        };
        let leaf = self.first_leaf(start).filter(|token| token.kind == Kind::Name);
        leaf.is_none_or(|token| !begins_other(&token.text))
    }

    /// The comments that stand before the byte `end` and have not been printed.
    fn take(&mut self, end: u32) -> &'a [Comment] {
        let count = self.comments.iter().take_while(|comment| comment.span.start < end).count();
        let (taken, rest) = self.comments.split_at(count);
        self.comments = rest;
        taken
    }

    /// The comments before the byte `end`.
    pub fn comments(&mut self, end: u32) -> Doc {
        let comments = self.take(end).iter();
        Doc::All(comments.map(|comment| Doc::Comment(comment.text.clone(), comment.own_line)).collect())
    }

    /// The comments before the first name or value of what begins at `start`.
    pub fn comments_to_leaf(&mut self, start: u32) -> Doc {
        let end = self.first_leaf(start).map_or(start, |token| token.span.start);
        self.comments(end)
    }

    /// The comments before what begins at `start`, unless that may not begin a line, which it would
    /// behind a comment: then they come later.
    pub fn comments_before(&mut self, start: u32) -> Doc {
        if self.may_begin_line(start) { self.comments_to_leaf(start) } else { Doc::All(Vec::new()) }
    }

    /// The same for a name, which may be any word.
    pub fn comments_before_name(&mut self, start: u32) -> Doc {
        if self.may_begin_line(start) { self.comments(start) } else { Doc::All(Vec::new()) }
    }

    /// The comments before the bracket that closes at `end`, if one of them stands on its own line;
    /// others come behind the bracket.
    pub fn comments_inside(&mut self, end: u32) -> Doc {
        let mut inside = self.comments.iter().take_while(|comment| comment.span.start < end);
        if inside.any(|comment| comment.own_line) { self.comments(end) } else { Doc::All(Vec::new()) }
    }

    /// Whether comments stand before the byte `end`.
    pub fn has_comments(&self, end: u32) -> bool {
        self.comments.first().is_some_and(|comment| comment.span.start < end)
    }

    /// Whether what begins at `start` has an empty line before it, or the comments above it have one.
    pub fn is_parted(&self, from: u32, start: u32) -> bool {
        let first = self.comments.partition_point(|comment| comment.span.start < from);
        let mut above = self.comments[first..].iter().take_while(|comment| comment.span.start < start);
        self.has_blank_before(start)
            || above.any(|comment| comment.own_line && self.has_blank_before(comment.span.start))
    }

    /// The comments before a declaration, clause, field or line of a test that begins at `start`,
    /// and the line end or empty line before it.
    pub fn lead(&mut self, start: u32, gap: Gap) -> Doc {
        let (mut docs, gap) = self.comment_lines(start, gap);
        docs.push(gap.line_end(self.has_blank_before(start)));
        Doc::All(docs)
    }

    /// What was printed of an item, with the comment that allows warnings on its line: such a comment
    /// is about the whole line, so it must not end up on the last of several.
    pub fn noted(&mut self, extent: Extent, item: Doc) -> Doc {
        let place = extent.start as usize..extent.end as usize;
        match self.comments {
            [comment, rest @ ..] if is_about_line(comment) && comment.span.start >= extent.end => {
                let between = &self.text[place.end..comment.span.start as usize];
                if self.text[place].contains('\n') || !between.chars().all(|c| c == ',' || c.is_whitespace())
                {
                    return item;
                }
                self.comments = rest;
                Doc::Noted(comment.text.clone(), Box::new(item))
            }
            _ => item,
        }
    }

    /// The comments before the brace that closes at `end`, or the end of the file.
    pub fn lead_out(&mut self, end: u32, gap: Gap) -> Doc {
        Doc::All(self.comment_lines(end, gap).0)
    }

    fn comment_lines(&mut self, end: u32, mut gap: Gap) -> (Vec<Doc>, Gap) {
        let mut docs = Vec::new();
        for comment in self.take(end) {
            // Only the first can stand on the line of what comes before it.
            let own_line = comment.own_line || !docs.is_empty();
            if own_line {
                let start = comment.span.start;
                let is_behind = comment.own_line && start >= gap.from;
                docs.push(gap.line_end(is_behind && self.has_blank_before(start)));
                gap = Gap { is_first: false, parted: false, ..gap };
            }
            docs.push(Doc::Comment(comment.text.clone(), own_line));
        }
        (docs, gap)
    }

    /// Whether an empty line stands before the byte `start`; commas count as space.
    fn has_blank_before(&self, start: u32) -> bool {
        let before = &self.text[..start as usize];
        let space = &before[before.trim_end_matches(|c: char| c.is_whitespace() || c == ',').len()..];
        let mut lines = space.split('\n').skip(1).peekable();
        while let Some(line) = lines.next() {
            if lines.peek().is_some() && line.trim().is_empty() {
                return true;
            }
        }
        false
    }
}

/// Whether a comment allows warnings on its line.
fn is_about_line(comment: &Comment) -> bool {
    !comment.own_line && comment.text.trim_start_matches('#').trim_start().starts_with("allow")
}

/// What lies between two items of a block.
#[derive(Clone, Copy)]
pub(super) struct Gap {
    /// Where the item before ended.
    pub from: u32,
    /// Whether there is none.
    pub is_first: bool,
    /// Whether an empty line stands there in any case.
    pub parted: bool,
}

impl Gap {
    fn line_end(self, has_blank: bool) -> Doc {
        if !self.is_first && (self.parted || has_blank) { Doc::Blank } else { Doc::Break }
    }
}
