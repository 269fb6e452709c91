//! The example rules in `rules/`, read as the service reads a folder.
#![allow(dead_code, reason = "every test program uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};

use tripline::diagnostic::{Sources, Style, render_all};
use tripline::program::Program;

/// The folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")
}

/// Every `.trip` file below `folder`, sorted.
pub fn rule_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "trip") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The texts of all rule files.
pub fn sources() -> Sources {
    Sources::new(rule_files(&root()).into_iter().map(|path| {
        let text = fs::read_to_string(&path).expect("rule files are UTF-8");
        (path.strip_prefix(root()).expect("below the root").display().to_string(), text)
    }))
}

/// All example rules as one program.
pub fn program() -> Program {
    let sources = sources();
    let (program, diagnostics) = Program::compile(&sources);
    program.unwrap_or_else(|| {
        panic!("rules/ does not compile:\n{}", render_all(&diagnostics, &sources, Style::Plain))
    })
}
