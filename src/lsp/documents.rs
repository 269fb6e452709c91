//! The documents that are open in the editor: their text is the editor's, not the disk's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use gen_lsp_types::{Range, Uri};
use serde::Deserialize;

use super::position::{Encoding, Lines};

/// An open document.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its name, as the editor writes it.
    pub uri: Uri,
    /// Counts its changes, as the editor does.
    pub version: i32,
    /// Its text.
    pub text: Rc<str>,
    /// Where it is on the disk, or would be.
    pub path: Option<PathBuf>,
    /// The same without links, to compare it.
    pub real: Option<PathBuf>,
}

/// One change of a document: of the whole or, with a range, of a part.
#[derive(Clone, Debug, Deserialize)]
pub struct Change {
    /// What is replaced.
    pub range: Option<Range>,
    /// What takes its place.
    pub text: String,
}

/// The open documents by name.
#[derive(Debug, Default)]
pub struct Documents {
    open: BTreeMap<String, Document>,
}

impl Documents {
    /// A document has been opened, or opened again.
    pub fn open(&mut self, uri: Uri, version: i32, text: String) {
        let path = path_of(&uri);
        let real = path.as_deref().map(real_path);
        let document = Document { version, text: text.into(), path, real, uri: uri.clone() };
        self.open.insert(uri.0, document);
    }

    /// The changes of a document, made one after the other. Whether it is open.
    pub fn change(&mut self, uri: &Uri, version: i32, changes: Vec<Change>, encoding: Encoding) -> bool {
        let Some(document) = self.open.get_mut(&uri.0) else { return false };
        let mut text = document.text.to_string();
        for change in changes {
            match change.range {
                None => text = change.text,
                Some(range) => {
                    let lines = Lines::new(&text);
                    let start = lines.byte(&text, range.start, encoding);
                    let end = lines.byte(&text, range.end, encoding).max(start);
                    text.replace_range(start..end, &change.text);
                }
            }
        }
        document.text = text.into();
        document.version = version;
        true
    }

    /// A document has been closed.
    pub fn close(&mut self, uri: &Uri) {
        self.open.remove(&uri.0);
    }

    /// The document of that name.
    pub fn get(&self, uri: &Uri) -> Option<&Document> {
        self.open.get(&uri.0)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Document> {
        self.open.values()
    }
}

/// The path of a file that a name stands for; `None` for what is on no disk.
pub fn path_of(uri: &Uri) -> Option<PathBuf> {
    let url = url::Url::parse(&uri.0).ok()?;
    if url.scheme() == "file" { url.to_file_path().ok() } else { None }
}

/// The name of the file at a path.
pub fn uri_of(path: &Path) -> Option<Uri> {
    let url = url::Url::from_file_path(path).ok()?;
    Some(Uri(url.into()))
}

/// The path without links, as far as it exists.
pub fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gen_lsp_types::Position;

    fn change(from: (u32, u32), to: (u32, u32), text: &str) -> Change {
        let at = |(line, character)| Position { line, character };
        Change { range: Some(Range { start: at(from), end: at(to) }), text: text.to_owned() }
    }

    #[test]
    fn changes_are_made_in_order() {
        let mut documents = Documents::default();
        let uri = Uri::from("untitled:1");
        documents.open(uri.clone(), 1, "let a = 1 # 🙂 x\n".to_owned());
        let changes = vec![
            change((0, 15), (0, 16), "y"),
            change((1, 0), (1, 0), "let b = 2\n"),
            change((0, 4), (0, 5), "aa"),
            change((9, 9), (3, 3), "#"),
        ];
        assert!(documents.change(&uri, 2, changes, Encoding::Utf16));
        let document = documents.get(&uri).expect("open");
        assert_eq!((&*document.text, document.version), ("let aa = 1 # 🙂 y\nlet b = 2\n#", 2));
        assert!(!documents.change(&Uri::from("untitled:2"), 1, Vec::new(), Encoding::Utf16));
        documents.close(&uri);
        assert!(documents.get(&uri).is_none());
    }

    #[test]
    fn names_stand_for_paths() {
        let path = path_of(&Uri::from("file:///a%20b/%C3%A9.trip")).expect("a path");
        assert_eq!(path, Path::new("/a b/é.trip"));
        assert_eq!(uri_of(&path), Some(Uri::from("file:///a%20b/%C3%A9.trip")));
        for other in ["untitled:1", "", "é", "file://elsewhere/x", "http://example.com/x.trip", "file:x"] {
            let _ = path_of(&Uri::from(other));
        }
        assert_eq!(path_of(&Uri::from("untitled:1")), None);
    }
}
