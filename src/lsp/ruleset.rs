//! A rule set as the editor sees it: the files of the disk, with open documents in their place.

use std::cell::OnceCell;

use gen_lsp_types::{Location, Position, Range, Uri};

use crate::diagnostic::{Diagnostics, FileId, SourceFile, Sources, Span};
use crate::language::index::Index;
use crate::language::{self, tree};
use crate::program::Program;

use super::position::{Encoding, Lines};

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
    diagnostics: OnceCell<Diagnostics>,
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
            diagnostics: OnceCell::new(),
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

    /// What is wrong with the rules.
    pub fn diagnostics(&self) -> &Diagnostics {
        self.diagnostics.get_or_init(|| {
            // A name that is declared where nobody could read it is not unknown.
            let is_whole = self.unreadable.is_empty();
            if is_whole { Program::compile(&self.sources).1 } else { self.parsed().1.clone() }
        })
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
        let (uri, _) = &self.places[span.file.0 as usize];
        Location { uri: uri.clone(), range: self.range(span) }
    }
}
