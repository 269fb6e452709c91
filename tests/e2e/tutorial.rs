//! The tutorial: every file that it shows is written, every command run, and what it prints is what
//! the page shows. `UPDATE_DOCS=1 cargo test --test e2e tutorial` writes what is printed into the page.

use std::fs;
use std::path::Path;

use crate::harness::{Folder, text, tripline};

/// A block of the page.
struct Block<'p> {
    /// What follows the three backquotes: the language, then the file that it goes to.
    words: Vec<&'p str>,
    text: &'p str,
}

/// The page cut at its blocks: text, block, text, block, …, text.
fn parts(page: &str) -> (Vec<&str>, Vec<Block<'_>>) {
    let (mut texts, mut blocks) = (Vec::new(), Vec::new());
    let mut rest = page;
    while let Some(at) = rest.find("\n```") {
        let (before, opening) = rest.split_at(at + 1);
        let (head, body) = opening.split_once('\n').expect("a block has lines");
        let (block, after) = body.split_once("```\n").expect("a block ends");
        texts.push(before);
        blocks.push(Block { words: head.trim_start_matches('`').split_whitespace().collect(), text: block });
        rest = after;
    }
    texts.push(rest);
    (texts, blocks)
}

/// What a command prints, on both streams, run by the shell in the folder.
fn run(folder: &Folder, command: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_tripline")).parent().expect("the binary is in a folder");
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = std::process::Command::new("sh");
    // The same variables are taken away as for the binary itself.
    for (name, _) in tripline().get_envs() {
        shell.env_remove(name);
    }
    let output = shell
        .args(["-c", &format!("{{ {command}\n}} 2>&1")])
        .current_dir(folder.path())
        .env("PATH", path)
        .output()
        .expect("a shell is there");
    text(&output.stdout).lines().map(|line| format!("{}\n", without_times(line))).collect()
}

/// A line without how long something took, which is another time each time.
fn without_times(line: &str) -> &str {
    let is_time = line.starts_with("events ") && line.ends_with(" a second");
    if is_time { line.split(" in ").next().unwrap_or(line) } else { line }
}

/// A block of commands with what they print.
fn session(folder: &Folder, written: &str) -> String {
    let commands = written.lines().filter_map(|line| line.strip_prefix("$ "));
    commands.map(|command| format!("$ {command}\n{}", run(folder, command))).collect()
}

#[test]
fn the_tutorial_shows_what_happens() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial.md");
    let page = fs::read_to_string(&file).expect("the page is there");
    let folder = Folder::new();
    let (texts, blocks) = parts(&page);
    let mut found = String::new();
    for (text, block) in texts.iter().zip(&blocks) {
        found.push_str(text);
        let body = match block.words.as_slice() {
            ["console"] => session(&folder, block.text),
            ["sh"] => block.text.to_owned(),
            [_, name] => {
                folder.write(name, block.text);
                block.text.to_owned()
            }
            words => panic!("a block of what? {words:?}"),
        };
        found.push_str(&format!("```{}\n{body}```\n", block.words.join(" ")));
    }
    found.push_str(texts.last().expect("the page ends with text"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &found).expect("the page can be written");
    }
    assert!(page == found, "{}", differences(&page, &found));
}

/// The first lines that differ.
fn differences(page: &str, found: &str) -> String {
    let pairs = page.lines().zip(found.lines());
    let line = pairs.take_while(|(a, b)| a == b).count();
    let from = |text: &str| text.lines().skip(line.saturating_sub(2)).take(12).collect::<Vec<_>>().join("\n");
    format!("line {}: the page shows\n{}\n\nbut this happens\n{}", line + 1, from(page), from(found))
}
