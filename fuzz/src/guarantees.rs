//! What the formatter guarantees, checked for one text.

use tripline::diagnostic::FileId;
use tripline::language::tree::File;
use tripline::language::{MAX_FILE_BYTES, format, parse};

/// Formats a text and holds the result against it. Gives the formatted text, or nothing when the text
/// has syntax errors.
///
/// # Panics
/// When a guarantee is broken.
pub fn formatted(text: &str) -> Option<String> {
    let (tree, diagnostics) = parse(FileId(0), text);
    let once = match format(FileId(0), text) {
        Ok(once) => once,
        Err(found) if diagnostics.has_errors() => {
            assert_eq!(found, diagnostics, "other problems than the parser's");
            return None;
        }
        // The formatted text may be larger than a file may be.
        Err(found) => {
            assert!(found.iter().all(|problem| problem.code.as_str() == "E0010"), "{text}\n{found:?}");
            assert!(text.len() > MAX_FILE_BYTES / 100, "a small file has become too large:\n{text}");
            return None;
        }
    };
    assert!(!diagnostics.has_errors(), "a file with errors was formatted:\n{text}");
    let (tree_once, diagnostics_once) = parse(FileId(0), &once);
    assert!(diagnostics_once.is_empty(), "{text}\n--- became\n{once}\n--- {diagnostics_once:?}");
    assert_eq!(comments(&tree), comments(&tree_once), "other comments:\n{text}\n--- became\n{once}");
    let (before, after) = (without_places(tree), without_places(tree_once));
    assert!(before == after, "another tree:\n{text}\n--- became\n{once}\n--- {before}\n--- {after}");
    assert_eq!(format(FileId(0), &once).as_ref(), Ok(&once), "not stable:\n{text}");
    assert_tidy(&once);
    Some(once)
}

/// What the comments of a file say, in order.
fn comments(tree: &File) -> Vec<&str> {
    tree.comments.iter().map(|comment| comment.text.as_str()).collect()
}

/// The declarations of a file, as text without places.
fn without_places(mut tree: File) -> String {
    tree.comments.clear();
    let shown = format!("{tree:?}");
    let mut parts = shown.split("Span { ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once(" }").map_or(part, |(_, behind)| behind));
    }
    text
}

fn assert_tidy(text: &str) {
    assert!(text.is_empty() || text.ends_with('\n') && !text.ends_with("\n\n"), "a wrong end:\n{text}");
    assert!(!text.starts_with(['\n', '\u{feff}']), "a wrong beginning:\n{text}");
    assert!(!text.contains("\n\n\n"), "empty lines follow each other:\n{text}");
    assert!(text.lines().all(|line| line.trim_end() == line), "a line ends with space:\n{text}");
}
