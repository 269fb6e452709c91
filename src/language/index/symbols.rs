//! What a name can stand for, and where names stand.

use crate::diagnostic::Span;

/// Something that is declared, by its place in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub(super) u32);

/// What kind of thing is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SymbolKind {
    /// `stream`
    Stream,
    /// A field of a stream.
    Field,
    /// `list`
    List,
    /// `table`
    Table,
    /// A column of a table.
    Column,
    /// `let`
    Let,
    /// `def`
    Def,
    /// A parameter of a `def`.
    Parameter,
    /// `rule`
    Rule,
    /// `event`; also the variable of a step that names it without `as`.
    Event,
    /// The name that `as` gives.
    Variable,
    /// A field of a rule's alerts; the same one where several alerts of the rule give it.
    AlertField,
    /// `test`
    Test,
}

impl SymbolKind {
    /// What people call it, with an article.
    pub const fn described(self) -> &'static str {
        match self {
            SymbolKind::Stream => "a stream",
            SymbolKind::Field => "a field",
            SymbolKind::List => "a list",
            SymbolKind::Table => "a table",
            SymbolKind::Column => "a column",
            SymbolKind::Let => "a constant",
            SymbolKind::Def => "a definition",
            SymbolKind::Parameter => "a parameter",
            SymbolKind::Rule => "a rule",
            SymbolKind::Event => "an event",
            SymbolKind::Variable => "a captured event",
            SymbolKind::AlertField => "a field of an alert",
            SymbolKind::Test => "a test",
        }
    }
}

/// Something that is declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// Where its name is given; the first place of several.
    pub span: Span,
    /// Its declaration, as far as the tree knows where that begins and ends.
    pub extent: Span,
    /// What it belongs to: the stream of a field, the rule of an event, the `def` of a parameter.
    pub owner: Option<SymbolId>,
    /// The stream that the events of an event or a variable are of, when it is known.
    pub stream: Option<SymbolId>,
    /// Its type, parameters or the like, as the language writes them; may be empty.
    pub detail: String,
    /// The path after `from` of a field or column.
    pub path: Option<String>,
    /// Where `from "…"` would have to be added to keep the path of a field or column that has none.
    pub path_missing_at: Option<u32>,
}

/// Why a name stands where it stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// It declares what it means.
    Declaration,
    /// It uses it.
    Use,
    /// It names the member of a JSON record that a field is read from: it stays as it is when the field
    /// gets another name.
    Member,
    /// It is a part of a rule's key: for each stream that it is read of, the fields that it means.
    Key(Vec<(SymbolId, Vec<SymbolId>)>),
}

/// What a name means.
#[derive(Clone, Debug, PartialEq)]
pub enum Means {
    /// What is declared. Several when one name stands for a field of each of several streams.
    Symbols(Vec<SymbolId>),
    /// A function of the language.
    Function,
    /// Something that the language gives: `time`, `this`, `kind`.
    Given,
    /// Nothing that is known.
    Nothing,
}

/// A name where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrence {
    /// The place.
    pub span: Span,
    /// What it means.
    pub means: Means,
    /// Why it stands there.
    pub role: Role,
}

impl Occurrence {
    /// What it means of what is declared.
    pub fn symbols(&self) -> &[SymbolId] {
        match &self.means {
            Means::Symbols(symbols) => symbols,
            Means::Function | Means::Given | Means::Nothing => &[],
        }
    }

    /// Whether it means this and nothing else.
    pub fn is(&self, symbol: SymbolId) -> bool {
        self.symbols() == [symbol]
    }
}

/// What the names of one rule mean.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleNames {
    /// The rule.
    pub rule: SymbolId,
    /// The events that it defines, in the order written.
    pub events: Vec<SymbolId>,
    /// What its pattern captures, in the order of the pattern: the name, and the variable, event or
    /// stream that it stands for.
    pub variables: Vec<(String, SymbolId)>,
    /// The streams that it reads.
    pub streams: Vec<SymbolId>,
    /// The parts of its key as alerts name them, and the fields that they mean.
    pub key: Vec<(String, Vec<SymbolId>)>,
    /// The fields of its alerts.
    pub alert_fields: Vec<SymbolId>,
}
