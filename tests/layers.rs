//! The layering of the source: a module imports from lower layers only, and the pure ones neither
//! read a clock nor touch files, sockets, threads or chance.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `src/`, lowest layer first. Those of one layer do not import each other.
const LAYERS: &[&[&str]] = &[
    &["stored"],
    &["event", "diagnostic"],
    &["table"],
    &["alert", "expression"],
    &["language", "codec", "ordering"],
    &["automaton"],
    &["history"],
    &["program", "matcher"],
    &["shard"],
    &["engine"],
    &["testing"],
    &["telemetry", "append", "changing", "described", "disk", "rate", "stalled", "watch"],
    &["access", "secret", "tls"],
    &["kafka", "quarantine", "journal", "store"],
    &["moving"],
    &["source", "outbox"],
    &["sink", "routing"],
    &["archive"],
    &["config"],
    &["runtime"],
    &["api", "lsp"],
    &["cli"],
];

/// How many of the layers are pure.
const PURE: usize = 10;

/// Modules of later layers that are as pure.
const PURE_TOO: &[&str] = &["routing"];

/// What has no place in a pure layer.
const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::io",
    "std::net::Tcp",
    "std::net::Udp",
    "std::os",
    "std::process",
    "std::thread",
    "std::env",
    "SystemTime",
    "Instant",
    "rand::",
    "RandomState",
];

#[test]
fn imports_go_to_lower_layers_only() {
    let mut wrong = Vec::new();
    for (layer, module, file) in sources() {
        let text = code(&file);
        for imported in imports(&text) {
            let Some(other) = layer_of(&imported) else { continue };
            if imported != module && other >= layer {
                wrong.push(format!("{}: `{module}` imports `{imported}`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that go up or sideways:\n{}", wrong.join("\n"));
}

#[test]
fn the_core_is_pure() {
    let mut wrong = Vec::new();
    for (layer, module, file) in sources() {
        let text = code(&file);
        let is_pure = layer < PURE || PURE_TOO.contains(&module);
        for word in IMPURE.iter().filter(|word| is_pure && text.contains(**word)) {
            wrong.push(format!("{}: {word}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "the outside world in the core:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_a_layer() {
    let known: BTreeSet<&str> = LAYERS.iter().flat_map(|layer| layer.iter().copied()).collect();
    for entry in fs::read_dir(source()).expect("src/ can be read") {
        let path = entry.expect("src/ can be read").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("names are text").to_owned();
        // `cases` and `seeds` are there in tests only.
        assert!(
            ["main", "lib", "cases", "seeds"].contains(&&*name) || known.contains(&*name),
            "`{name}` has no layer"
        );
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file with its layer and top module; tests beside the code may reach wherever they like.
fn sources() -> Vec<(usize, &'static str, PathBuf)> {
    let mut found = Vec::new();
    for (layer, modules) in LAYERS.iter().enumerate() {
        for module in *modules {
            let mut rest = vec![source().join(module), source().join(format!("{module}.rs"))];
            while let Some(path) = rest.pop() {
                if path.is_dir() {
                    let entries = fs::read_dir(&path).expect("a folder of src/ can be read");
                    rest.extend(entries.map(|entry| entry.expect("a folder of src/ can be read").path()));
                } else if path.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
                    found.push((layer, *module, path));
                }
            }
        }
    }
    // The project itself may stand in a folder of that name.
    let inside = |path: &Path| path.strip_prefix(source()).map(Path::to_path_buf).unwrap_or_default();
    found.retain(|(_, _, path)| !inside(path).components().any(|part| part.as_os_str() == "tests"));
    found.retain(|(_, _, path)| path.file_name().is_none_or(|name| name != "tests.rs"));
    assert!(found.len() > 50, "only {} files", found.len());
    found
}

/// The text of a file without comments and without its tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a source file can be read");
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The top modules that a text names after `crate::`, also inside `crate::{…}`.
fn imports(text: &str) -> BTreeSet<String> {
    let name = |text: &str| -> String {
        text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    let mut found = BTreeSet::new();
    for after in text.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            None => {
                found.insert(name(after));
            }
            Some(list) => {
                let list = list.split(';').next().unwrap_or_default();
                found.extend(list.split(',').map(|item| name(item.trim())));
            }
        }
    }
    found
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}
