//! `explain`: rules and codes in words.

use crate::harness::{Folder, RULES, text};

#[test]
fn a_rule_is_explained() {
    let folder = Folder::new();
    folder.write("rules/a.trip", RULES);
    let explained = folder.run(&["explain", "big"]);
    assert_eq!(explained.status.code(), Some(0), "{}", text(&explained.stderr));
    let shown = text(&explained.stdout);
    assert!(shown.starts_with("big\n\nFor each `card`: a `big` event."), "{shown}");
    assert!(shown.contains("  - `big` is an `auth` event where `amount` is more than 100.\n"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
    assert_eq!(text(&explained.stderr), "");

    let markdown = folder.run(&["explain", "big", "--format", "markdown"]);
    assert!(text(&markdown.stdout).starts_with("# `big`\n\n"), "{}", text(&markdown.stdout));
}

#[test]
fn rules_are_found_by_folder_file_or_configuration() {
    let folder = Folder::new();
    folder.write("elsewhere/deep/a.trip", RULES);
    let config = "rules = \"elsewhere\"\n[sources.a]\ntype = \"stdin\"\nstream = \"auth\"\n[sinks.desk]\ntype = \"stdout\"\n";
    folder.write("other.toml", config);
    for place in ["elsewhere", "elsewhere/deep/a.trip", "other.toml"] {
        let explained = folder.run(&["explain", "big", place]);
        assert!(text(&explained.stdout).starts_with("big\n"), "{place}: {}", text(&explained.stderr));
    }
    let lost = folder.run(&["explain", "big"]);
    assert_eq!(lost.status.code(), Some(2));
    assert!(
        text(&lost.stderr).starts_with("error: there is neither a `tripline.toml` nor a folder `rules` here")
    );
    folder.write("tripline.toml", config);
    let explained = folder.run(&["explain", "big"]);
    assert!(text(&explained.stdout).starts_with("big\n"), "{}", text(&explained.stderr));
}

#[test]
fn rules_are_listed_with_what_they_are_about() {
    let folder = Folder::new();
    folder.write(
        "rules/a.trip",
        RULES.replace("  by card", "  about \"One large charge\"\n  by card\n  mode shadow"),
    );
    for arguments in [vec!["explain"], vec!["explain", "rules"], vec!["explain", "./rules"]] {
        let listed = folder.run(&arguments);
        assert_eq!(listed.status.code(), Some(0), "{}", text(&listed.stderr));
        let shown = text(&listed.stdout);
        assert!(shown.starts_with("big  One large charge (mode shadow)\n\n"), "{shown}");
        assert!(shown.contains("`tripline explain E0104`"), "{shown}");
    }
}

#[test]
fn a_code_is_explained_wherever_one_is() {
    let folder = Folder::new();
    let explained = folder.run(&["explain", "E0104"]);
    assert_eq!(explained.status.code(), Some(0), "{}", text(&explained.stderr));
    let shown = text(&explained.stdout);
    assert!(shown.starts_with("E0104: an unknown name\n\n"), "{shown}");
    assert!(shown.contains("\nWrong:\n\n    match auth\n"), "{shown}");
    assert!(shown.contains("\nRight:\n\n    match auth\n"), "{shown}");
    let unknown = folder.run(&["explain", "E0199"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert_eq!(text(&unknown.stderr), "error: there is no code `E0199`; did you mean `E0109`?\n");
}

#[test]
fn what_does_not_exist_is_told_with_the_nearest_name() {
    let folder = Folder::new();
    folder.write("rules/a.trip", RULES);
    for (wanted, message) in [
        ("bug", "error: there is no rule `bug`; did you mean `big`?\n"),
        ("e0104", "error: there is no rule `e0104`; did you mean `E0104`?\n"),
        ("card_testing", "error: there is no rule `card_testing`; `tripline explain` lists them\n"),
    ] {
        let explained = folder.run(&["explain", wanted]);
        assert_eq!(explained.status.code(), Some(2));
        assert_eq!(text(&explained.stderr), message);
    }
    let missing = folder.run(&["explain", "big", "nowhere"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(
        text(&missing.stderr).ends_with("error: the rules cannot be read: 1 error\n"),
        "{}",
        text(&missing.stderr)
    );
}

#[test]
fn a_rule_with_mistakes_is_explained_with_a_warning() {
    let folder = Folder::new();
    folder.write("rules/a.trip", RULES.replace("amount > 100", "amonut > 100"));
    let explained = folder.run(&["explain", "big"]);
    assert_eq!(explained.status.code(), Some(0));
    assert!(text(&explained.stdout).contains("`amonut` is more than 100"), "{}", text(&explained.stdout));
    let warning = "warning: these rules have 1 error, and what is said of them may be wrong; `tripline check` shows where\n";
    assert_eq!(text(&explained.stderr), warning);
}
