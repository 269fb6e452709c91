//! What the parsers read and how they fail.
//!
//! [`Tokens`] is the input that nom's combinators work on, [`Problem`] their error. A parser that
//! finds that it is not meant fails with nom's `Error`, after at most two tokens; once it knows
//! that it is meant, it fails with `Failure`, which nothing but a place of recovery catches. So
//! nothing is read twice, and time stays linear in the number of tokens.

use std::cell::RefCell;
use std::iter::Enumerate;
use std::slice::Iter;

use nom::error::{ErrorKind, ParseError};
use nom::{IResult, Input, Needed};

use super::super::lexer::{Kind, Token};
use super::super::tree::Unread;
use crate::diagnostic::{Code, Diagnostic, FileId, Span, codes};

/// How deep parentheses, groups, calls and operators may be nested. Deep enough for people, and
/// shallow enough for every walk over the tree to recurse.
pub(super) const MAX_DEPTH: usize = 64;

/// How many problems of a file are shown.
pub(super) const MAX_PROBLEMS: usize = 100;

/// What a parser yields.
pub(super) type Parsed<'a, T> = IResult<Tokens<'a>, T, Problem>;

/// The problems found in a file so far; those past [`MAX_PROBLEMS`] are only counted.
#[derive(Default)]
pub(in crate::language) struct Problems(RefCell<Vec<Diagnostic>>);

impl Problems {
    /// Adds a problem, unless there are too many already.
    pub fn report(&self, problem: Diagnostic) {
        let mut problems = self.0.borrow_mut();
        // One more than is shown tells that there are more.
        if problems.len() <= MAX_PROBLEMS {
            problems.push(problem);
        }
    }

    /// Whether further problems are not shown, and need not be made.
    pub fn is_full(&self) -> bool {
        self.0.borrow().len() > MAX_PROBLEMS
    }

    /// How many have been reported, as far as they are counted.
    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// The problems in the order in which they were found.
    pub fn into_vec(self) -> Vec<Diagnostic> {
        self.0.into_inner()
    }
}

/// What all parsers over the same tokens share.
pub(super) struct Context<'p> {
    /// Where the tokens come from.
    pub file: FileId,
    /// Where problems go.
    pub problems: &'p Problems,
    furthest: RefCell<Expectations>,
    unread: RefCell<Unread>,
}

/// What could have stood at the furthest token that a parser refused.
#[derive(Default)]
struct Expectations {
    position: usize,
    wanted: Vec<Expected>,
}

/// Something that could have stood at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Exactly this text.
    Text(&'static str),
    /// Something with this description.
    Thing(&'static str),
}

impl Expected {
    /// An operand and what may follow it.
    pub const EXPRESSION: Expected = Expected::Thing("an expression");
    /// An operator between or behind operands.
    pub const OPERATOR: Expected = Expected::Thing("an operator");
    /// The word that begins a clause of a rule.
    pub const NEXT_CLAUSE: Expected = Expected::Thing("the next clause");
}

impl<'p> Context<'p> {
    /// Nothing read yet.
    pub fn new(file: FileId, problems: &'p Problems) -> Context<'p> {
        Context { file, problems, furthest: RefCell::default(), unread: RefCell::default() }
    }

    /// What could have stood at the token at `position`.
    pub fn expected_at(&self, position: usize) -> Vec<Expected> {
        let furthest = self.furthest.borrow();
        if furthest.position == position { furthest.wanted.clone() } else { Vec::new() }
    }

    /// Remembers a name that stands in what could not be read.
    pub fn leave_unread(&self, name: &str) {
        self.unread.borrow_mut().names.insert(name.to_owned());
    }

    /// Remembers a type that does not exist, and for which another was put at random.
    pub fn leave_type_unread(&self, span: Span) {
        self.unread.borrow_mut().types.insert(span);
    }

    /// What could not be read.
    pub fn into_unread(self) -> Unread {
        self.unread.into_inner()
    }

    fn expect(&self, position: usize, wanted: Expected) {
        let mut furthest = self.furthest.borrow_mut();
        if position > furthest.position {
            furthest.position = position;
            furthest.wanted.clear();
        }
        if position == furthest.position && !furthest.wanted.contains(&wanted) {
            furthest.wanted.push(wanted);
        }
    }
}

/// The tokens that are still to be read.
///
/// Invariant: `all` ends with a [`Kind::End`], which lies at or behind `end`.
#[derive(Clone, Copy)]
pub(super) struct Tokens<'a> {
    all: &'a [Token<'a>],
    start: usize,
    end: usize,
    depth: usize,
    /// What all parsers over these tokens share.
    pub context: &'a Context<'a>,
}

impl<'a> Tokens<'a> {
    /// All of these tokens, of which the last must be the only [`Kind::End`].
    pub fn new(all: &'a [Token<'a>], context: &'a Context<'a>) -> Tokens<'a> {
        assert!(all.last().is_some_and(|token| token.kind == Kind::End), "tokens are closed by an end");
        Tokens { all, start: 0, end: all.len() - 1, depth: 0, context }
    }

    /// The next token; the end when there is none.
    pub fn peek(&self) -> &'a Token<'a> {
        self.peek_at(0)
    }

    /// The token `ahead` of the next one; the end when there is none.
    pub fn peek_at(&self, ahead: usize) -> &'a Token<'a> {
        let at = self.start + ahead;
        if at < self.end { &self.all[at] } else { &self.all[self.all.len() - 1] }
    }

    /// The token read last, if any.
    pub fn previous(&self) -> Option<&'a Token<'a>> {
        self.start.checked_sub(1).map(|at| &self.all[at])
    }

    /// The place of the token read last; of the next one at the beginning.
    pub fn previous_span(&self) -> Span {
        self.previous().unwrap_or(self.peek()).span
    }

    /// Just behind the token read last.
    pub fn gap(&self) -> Span {
        let end = self.previous_span().end as usize;
        Span::new(self.context.file, end, end)
    }

    /// How many tokens have been read.
    pub fn position(&self) -> usize {
        self.start
    }

    /// Whether there is nothing left.
    pub fn is_end(&self) -> bool {
        self.start >= self.end
    }

    /// These tokens without the first; the same when there is none.
    pub fn advance(self) -> Tokens<'a> {
        Tokens { start: (self.start + 1).min(self.end), ..self }
    }

    /// The same tokens from `position` on.
    pub fn at_position(self, position: usize) -> Tokens<'a> {
        Tokens { start: position.min(self.end), ..self }
    }

    /// The same tokens one level deeper in parentheses or the like; fails when that is too deep.
    pub fn deeper(self) -> Result<Tokens<'a>, nom::Err<Problem>> {
        if self.depth >= MAX_DEPTH {
            return self.fail::<Tokens<'a>>(too_deep(self.peek().span)).map(|(_, never)| never);
        }
        Ok(Tokens { depth: self.depth + 1, ..self })
    }

    /// The same tokens as deep as `other` is.
    pub fn level_with(self, other: &Tokens<'a>) -> Tokens<'a> {
        Tokens { depth: other.depth, ..self }
    }

    /// Whether the next token is this word.
    pub fn at_word(&self, word: &str) -> bool {
        self.peek().is_word(word)
    }

    /// Whether the next token is this symbol.
    pub fn at_symbol(&self, symbol: &str) -> bool {
        self.peek().is_symbol(symbol)
    }

    /// Whether the next token is the first of its line.
    pub fn at_line_start(&self) -> bool {
        self.peek().starts_line
    }

    /// Remembers that `wanted` could have stood here.
    pub fn note(&self, wanted: Expected) {
        self.context.expect(self.start, wanted);
    }

    /// Remembers that `wanted` could have stood here, and fails softly.
    pub fn refuse<T>(&self, wanted: Expected) -> Parsed<'a, T> {
        self.note(wanted);
        Err(nom::Err::Error(Problem { position: self.start, diagnostic: None }))
    }

    /// Remembers that one of `wanted` should have stood here, and fails for good.
    pub fn stuck<T>(&self, wanted: &[Expected]) -> Parsed<'a, T> {
        wanted.iter().for_each(|wanted| self.note(*wanted));
        Err(nom::Err::Failure(Problem { position: self.start, diagnostic: None }))
    }

    /// Fails for good with the given problem.
    pub fn fail<T>(&self, diagnostic: Diagnostic) -> Parsed<'a, T> {
        Err(nom::Err::Failure(Problem { position: self.start, diagnostic: Some(Box::new(diagnostic)) }))
    }

    /// Reports a problem that does not keep the parser from going on.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.context.problems.report(diagnostic);
    }

    /// Reports that the next token is not what it should be; see [`Tokens::report`].
    pub fn report_here(&self, code: Code, message: impl Into<String>, help: impl Into<String>) {
        self.report(Diagnostic::new(code, self.peek().span, message).help(help));
    }
}

impl<'a> Input for Tokens<'a> {
    type Item = &'a Token<'a>;
    type Iter = Iter<'a, Token<'a>>;
    type IterIndices = Enumerate<Iter<'a, Token<'a>>>;

    fn input_len(&self) -> usize {
        self.end - self.start
    }

    fn take(&self, index: usize) -> Self {
        assert!(index <= self.input_len(), "no more tokens can be taken than there are");
        Tokens { end: self.start + index, ..*self }
    }

    fn take_from(&self, index: usize) -> Self {
        assert!(index <= self.input_len(), "no more tokens can be skipped than there are");
        Tokens { start: self.start + index, ..*self }
    }

    fn take_split(&self, index: usize) -> (Self, Self) {
        (self.take_from(index), self.take(index))
    }

    fn position<P: Fn(Self::Item) -> bool>(&self, predicate: P) -> Option<usize> {
        self.iter_elements().position(predicate)
    }

    fn iter_elements(&self) -> Self::Iter {
        self.all[self.start..self.end].iter()
    }

    fn iter_indices(&self) -> Self::IterIndices {
        self.iter_elements().enumerate()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        if count <= self.input_len() { Ok(count) } else { Err(Needed::new(count - self.input_len())) }
    }
}

/// Why a parser failed.
#[derive(Debug)]
pub(super) struct Problem {
    /// How many tokens had been read.
    pub position: usize,
    /// What to tell; `None`: what could have stood there, as the context knows it.
    pub diagnostic: Option<Box<Diagnostic>>,
}

impl ParseError<Tokens<'_>> for Problem {
    fn from_error_kind(input: Tokens<'_>, _: ErrorKind) -> Problem {
        Problem { position: input.position(), diagnostic: None }
    }

    fn append(_: Tokens<'_>, _: ErrorKind, other: Problem) -> Problem {
        other
    }

    fn or(self, other: Problem) -> Problem {
        if self.position > other.position { self } else { other }
    }
}

/// What [`nom::combinator::cut`] makes of a parser, for one that has run already.
///
/// The parsers that recurse call each other directly and use this: each combinator around them
/// would add a frame or more to the stack of every level of nesting, and the frames of builds
/// without optimisation are large.
pub(super) fn committed<T>(parsed: Parsed<'_, T>) -> Parsed<'_, T> {
    match parsed {
        Err(nom::Err::Error(problem)) => Err(nom::Err::Failure(problem)),
        parsed => parsed,
    }
}

/// The problem of something that is nested too deeply.
pub(super) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::new(codes::E0008, span, format!("this is nested more than {MAX_DEPTH} levels deep"))
        .help("split it into several parts; a part of an expression can get a name with `def`")
}
