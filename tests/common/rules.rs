//! The example rules in `rules/`, read as the service reads a folder.
#![allow(dead_code, reason = "every test program uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tripline::diagnostic::{Sources, Style, render_all};
use tripline::program::Program;
use tripline::table::{TableId, Tables};

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

/// The contents of the lists and tables of the example rules.
pub fn tables(program: &Program) -> Arc<Tables> {
    let sources = sources();
    let mut tables = Tables::unread(program.tables());
    for (id, spec) in (0..).map(TableId).zip(program.tables()) {
        let rule_file = root().join(&sources.file(spec.file_span.file).name);
        let path = rule_file.parent().expect("a folder").join(&spec.file);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (content, problems) = spec.parse(&bytes);
        assert_eq!(problems.counts(), (0, 0), "{}: {problems:?}", path.display());
        tables.set(id, Arc::new(content.expect("there is no problem")));
    }
    Arc::new(tables)
}

/// All example rules as one program.
pub fn program() -> Program {
    let sources = sources();
    let (program, diagnostics) = Program::compile(&sources);
    program.unwrap_or_else(|| {
        panic!("rules/ does not compile:\n{}", render_all(&diagnostics, &sources, Style::Plain))
    })
}
