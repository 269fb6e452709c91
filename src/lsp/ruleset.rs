//! A rule set as the editor sees it: the files of the disk, with open documents in their place.

use std::cell::OnceCell;
use std::path::Path;

use gen_lsp_types::{Location, Position, Range, Uri};

use crate::config::tables;
use crate::diagnostic::{Diagnostics, FileId, SourceFile, Sources, Span};
use crate::language::index::Index;
use crate::language::{self, tree};
use crate::program::Program;

use super::documents::uri_of;
use super::position::{Encoding, Lines};

/// The largest file of a list or table that is looked into, in bytes: it is read again whenever the rules
/// change.
const MAX_TABLE: u64 = 1 << 20;

/// A file of a rule set.
#[derive(Clone, Debug)]
pub struct File {
    /// Its name for people: the path.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Its name for the editor.
    pub uri: Uri,
    /// The version of the open document; `None` when it is not open.
    pub version: Option<i32>,
}

/// A rule set at one moment. What is known about it is worked out when it is asked for.
#[derive(Debug)]
pub struct RuleSet {
    sources: Sources,
    /// By file.
    places: Vec<(Uri, Option<i32>)>,
    lines: Vec<OnceCell<Lines>>,
    encoding: Encoding,
    /// What could not be read, and why. Names may be unknown that it declares.
    unreadable: Vec<(Uri, String)>,
    trees: OnceCell<(Vec<tree::File>, Diagnostics)>,
    index: OnceCell<Index>,
    findings: OnceCell<Findings>,
}

/// What is wrong with a rule set.
#[derive(Debug)]
struct Findings {
    diagnostics: Diagnostics,
    /// What the rules were compiled to, if they are right.
    program: Option<Program>,
    /// The rule files and, behind them, lines of other files that the diagnostics point to.
    sources: Sources,
}

impl RuleSet {
    /// These files, and those that could not be read with the reasons.
    pub fn new(files: Vec<File>, unreadable: Vec<(Uri, String)>, encoding: Encoding) -> RuleSet {
        let mut files = files;
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files.dedup_by(|a, b| a.name == b.name);
        let places = files.iter().map(|file| (file.uri.clone(), file.version)).collect();
        RuleSet {
            lines: files.iter().map(|_| OnceCell::new()).collect(),
            sources: Sources::new(files.into_iter().map(|file| (file.name, file.text))),
            places,
            encoding,
            unreadable,
            trees: OnceCell::new(),
            index: OnceCell::new(),
            findings: OnceCell::new(),
        }
    }

    /// The files.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// A file.
    pub fn file(&self, file: FileId) -> &SourceFile {
        self.sources.file(file)
    }

    /// The files with their names for the editor and the versions of those that are open.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &Uri, Option<i32>)> {
        (0..).map(FileId).zip(&self.places).map(|(file, (uri, version))| (file, uri, *version))
    }

    /// The file of that name for the editor.
    pub fn find(&self, uri: &Uri) -> Option<FileId> {
        self.files().find(|(_, other, _)| *other == uri).map(|(file, ..)| file)
    }

    fn parsed(&self) -> &(Vec<tree::File>, Diagnostics) {
        self.trees.get_or_init(|| {
            let mut diagnostics = Diagnostics::default();
            let parse = |(file, source): (FileId, &SourceFile)| {
                let (tree, problems) = language::parse(file, &source.text);
                diagnostics.append(problems);
                tree
            };
            (self.sources.iter().map(parse).collect(), diagnostics)
        })
    }

    /// The trees of the files.
    pub fn trees(&self) -> &[tree::File] {
        &self.parsed().0
    }

    /// The names of the rule set.
    pub fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(&self.sources, self.trees()))
    }

    /// What is wrong with the rules and with the files of their lists and tables.
    pub fn diagnostics(&self) -> &Diagnostics {
        &self.findings.get_or_init(|| self.check()).diagnostics
    }

    /// What the rules were compiled to, if they are right.
    pub fn program(&self) -> Option<&Program> {
        self.findings.get_or_init(|| self.check()).program.as_ref()
    }

    fn check(&self) -> Findings {
        let mut sources = self.sources.clone();
        // A name that is declared where nobody could read it is not unknown.
        if !self.unreadable.is_empty() {
            return Findings { diagnostics: self.parsed().1.clone(), program: None, sources };
        }
        let (program, mut diagnostics) = Program::compile(&self.sources);
        if let Some(program) = &program {
            diagnostics.append(tables::check(program, &mut sources, MAX_TABLE));
        }
        Findings { diagnostics: diagnostics.sorted(), program, sources }
    }

    /// What could not be read, and why.
    pub fn unreadable(&self) -> &[(Uri, String)] {
        &self.unreadable
    }

    fn lines(&self, file: FileId) -> &Lines {
        self.lines[file.0 as usize].get_or_init(|| Lines::new(&self.file(file).text))
    }

    /// The byte at a position.
    pub fn byte(&self, file: FileId, position: Position) -> u32 {
        self.lines(file).byte(&self.file(file).text, position, self.encoding) as u32
    }

    /// The positions of both ends of a span.
    pub fn range(&self, span: Span) -> Range {
        self.lines(span.file).range(&self.file(span.file).text, span, self.encoding)
    }

    /// A span with the name of its file.
    pub fn location(&self, span: Span) -> Location {
        match self.places.get(span.file.0 as usize) {
            Some((uri, _)) => Location { uri: uri.clone(), range: self.range(span) },
            None => self.location_elsewhere(span),
        }
    }

    /// The same of a line of a file that is no rule file: only what is wrong with the rules points there.
    fn location_elsewhere(&self, span: Span) -> Location {
        let findings = self.findings.get_or_init(|| self.check());
        let file = findings.sources.file(span.file);
        let uri = uri_of(Path::new(&file.name)).unwrap_or_else(|| Uri(file.name.clone()));
        let mut range = Lines::new(&file.text).range(&file.text, span, self.encoding);
        let before = file.first_line.saturating_sub(1) as u32;
        range.start.line += before;
        range.end.line += before;
        Location { uri, range }
    }
}
