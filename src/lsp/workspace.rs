//! Which files belong together.
//!
//! Enters: the folders that are open in the editor, its open documents, the disk. Leaves: the rule
//! set of a document. That is the folder that the `rules` of the nearest `tripline.toml` above it
//! names, if the document lies in it; otherwise the folder of the workspace that holds it or, where a
//! configuration says that its rules are elsewhere or no folder is open, its own folder. A document
//! that is on no disk is a rule set by itself.
//!
//! The disk is read when a rule set is first asked for, and again when the editor says that files
//! have changed; not at every key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use gen_lsp_types::Uri;

use crate::config::{self, rules};

use super::documents::{Document, Documents, path_of, real_path, uri_of};
use super::position::Encoding;
use super::ruleset::{File, RuleSet};

/// The name of configurations.
pub const CONFIGURATION: &str = "tripline.toml";

/// What a rule set is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// All rule files of a folder, or one file.
    Path(PathBuf),
    /// A document that is on no disk.
    Alone(String),
}

/// A rule file on the disk.
#[derive(Debug)]
struct OnDisk {
    name: String,
    text: String,
    real: PathBuf,
}

/// What a folder holds.
#[derive(Debug, Default)]
struct Disk {
    files: Vec<OnDisk>,
    /// Files that could not be read, and what is wrong with them.
    unreadable: Vec<(PathBuf, String)>,
}

/// The rule sets of the open documents.
#[derive(Debug, Default)]
pub struct Workspace {
    /// The open documents.
    pub documents: Documents,
    /// What positions count.
    pub encoding: Encoding,
    folders: Vec<PathBuf>,
    roots: BTreeMap<PathBuf, PathBuf>,
    disk: BTreeMap<PathBuf, Disk>,
    sets: BTreeMap<Root, Rc<RuleSet>>,
}

impl Workspace {
    /// A folder has been opened.
    pub fn add_folder(&mut self, uri: &Uri) {
        self.folders.extend(path_of(uri));
        self.forget_disk();
    }

    /// A folder has been closed.
    pub fn remove_folder(&mut self, uri: &Uri) {
        if let Some(path) = path_of(uri) {
            self.folders.retain(|folder| *folder != path);
            self.forget_disk();
        }
    }

    /// Files have changed, come or gone.
    pub fn forget_disk(&mut self) {
        self.roots.clear();
        self.disk.clear();
        self.sets.clear();
    }

    /// Files that rules name have changed.
    pub fn forget_sets(&mut self) {
        self.sets.clear();
    }

    /// The text of a document has changed.
    pub fn forget_sets_of(&mut self, uri: &Uri) {
        if let Some(root) = self.documents.get(uri).cloned().map(|document| self.root(&document)) {
            self.sets.remove(&root);
        }
    }

    /// Whether the disk holds a file that the rule set of this document does not know.
    pub fn is_new(&mut self, uri: &Uri) -> bool {
        let Some(document) = self.documents.get(uri).cloned() else { return false };
        let (Root::Path(root), Some(real)) = (self.root(&document), document.real) else { return false };
        let known = self.disk.get(&root).is_none_or(|disk| disk.files.iter().any(|file| file.real == real));
        !known && real.exists()
    }

    /// The rule set that a document belongs to; `None` when the document is not open.
    pub fn set_of(&mut self, uri: &Uri) -> Option<Rc<RuleSet>> {
        let document = self.documents.get(uri)?.clone();
        let root = self.root(&document);
        if let Some(known) = self.sets.get(&root) {
            return Some(Rc::clone(known));
        }
        let set = Rc::new(self.read(&root, &document));
        self.sets.insert(root, Rc::clone(&set));
        Some(set)
    }

    /// The rule sets of all open documents.
    pub fn all_sets(&mut self) -> Vec<Rc<RuleSet>> {
        let open: Vec<Document> = self.documents.iter().cloned().collect();
        let mut roots = BTreeSet::new();
        let firsts = open.into_iter().filter(|document| roots.insert(self.root(document)));
        let firsts: Vec<Uri> = firsts.map(|document| document.uri).collect();
        firsts.iter().filter_map(|uri| self.set_of(uri)).collect()
    }

    fn root(&mut self, document: &Document) -> Root {
        let (Some(path), Some(real)) = (&document.path, &document.real) else {
            return Root::Alone(document.uri.0.clone());
        };
        if let Some(known) = self.roots.get(path) {
            return Root::Path(known.clone());
        }
        let root = self.find_root(path, real);
        self.roots.insert(path.clone(), root.clone());
        Root::Path(root)
    }

    fn find_root(&self, path: &Path, real: &Path) -> PathBuf {
        let own = path.parent().unwrap_or(path).to_path_buf();
        for folder in path.ancestors().skip(1) {
            let file = folder.join(CONFIGURATION);
            if !file.is_file() {
                continue;
            }
            let rules =
                config::load(&file).ok().and_then(|loaded| loaded.config).map(|config| config.rules.value);
            return rules.filter(|rules| real.starts_with(real_path(rules))).unwrap_or(own);
        }
        let holding = self.folders.iter().filter(|folder| path.starts_with(folder));
        // Of folders within each other the innermost.
        holding.max_by_key(|folder| folder.components().count()).cloned().unwrap_or(own)
    }

    fn read(&mut self, root: &Root, first: &Document) -> RuleSet {
        let Root::Path(path) = root else {
            return RuleSet::new(vec![opened(first, first.uri.0.clone())], Vec::new(), self.encoding);
        };
        let open: Vec<Document> = self.documents.iter().cloned().collect();
        let open: Vec<&Document> = open.iter().filter(|document| self.root(document) == *root).collect();
        let disk = self.disk.entry(path.clone()).or_insert_with(|| Disk::read(path));
        let real = |document: &&Document| document.real.clone();
        let taken: BTreeSet<PathBuf> = open.iter().filter_map(real).collect();
        let closed = disk.files.iter().filter(|file| !taken.contains(&file.real)).filter_map(|file| {
            let uri = uri_of(Path::new(&file.name))?;
            Some(File { name: file.name.clone(), text: file.text.clone(), uri, version: None })
        });
        let mut seen = BTreeSet::new();
        // A file that is open under two names is one file.
        let open = open.into_iter().filter(|document| seen.insert(document.real.clone()));
        let open = open.map(|document| {
            let known = disk.files.iter().find(|file| Some(&file.real) == document.real.as_ref());
            let path = || document.path.as_ref().map(|path| path.display().to_string());
            opened(document, known.map(|file| file.name.clone()).or_else(path).unwrap_or_default())
        });
        let unreadable = disk.unreadable.iter().filter(|(path, _)| !taken.contains(&real_path(path)));
        let unreadable = unreadable.filter_map(|(path, why)| Some((uri_of(path)?, why.clone()))).collect();
        RuleSet::new(closed.chain(open).collect(), unreadable, self.encoding)
    }
}

fn opened(document: &Document, name: String) -> File {
    File { name, text: document.text.to_string(), uri: document.uri.clone(), version: Some(document.version) }
}

impl Disk {
    fn read(root: &Path) -> Disk {
        let mut disk = Disk::default();
        let (sources, unreadable) = match rules::read(&[root.to_path_buf()]) {
            Ok(sources) => (sources, None),
            Err(unreadable) => (unreadable.readable.clone(), Some(unreadable)),
        };
        for (_, file) in sources.iter() {
            let real = real_path(Path::new(&file.name));
            disk.files.push(OnDisk { name: file.name.clone(), text: file.text.clone(), real });
        }
        if let Some(unreadable) = unreadable {
            for diagnostic in &unreadable.diagnostics {
                let name = &unreadable.sources.file(diagnostic.primary.span.file).name;
                // A folder that holds no rules yet may hold documents that have not been saved.
                if Path::new(name) != root || !disk.files.is_empty() {
                    disk.unreadable.push((PathBuf::from(name), diagnostic.message.clone()));
                }
            }
        }
        disk
    }
}
