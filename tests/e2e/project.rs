//! `init`, completions and manual pages.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Folder, text};

#[test]
fn a_new_project_is_right_tested_and_raises_an_alert() {
    let folder = Folder::new();
    let made = folder.run(&["init", "project"]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    assert!(text(&made.stdout).contains("tripline test rules"));

    let checked = folder.run(&["check", "project/tripline.toml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stdout));
    assert!(!text(&checked.stdout).contains("warning"), "{}", text(&checked.stdout));
    let formatted = folder.run(&["fmt", "--check", "project/rules"]);
    assert_eq!(formatted.status.code(), Some(0), "{}", text(&formatted.stdout));
    let tested = folder.run(&["test", "project/rules"]);
    assert_eq!(tested.status.code(), Some(0), "{}", text(&tested.stdout));
    let replayed = folder.run(&["replay", "project/rules", "--input", "logins=project/events/logins.jsonl"]);
    let alerts: Vec<Value> = text(&replayed.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("an alert is JSON"))
        .collect();
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0]["title"], "u1: logged in from 192.0.2.11 after 3 failures");
}

#[test]
fn init_overwrites_nothing() {
    let folder = Folder::new();
    folder.write("rules/streams.trip", "# mine\n");
    let refused = folder.run(&["init", "."]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("already has `rules/streams.trip`"), "{}", text(&refused.stderr));
    assert_eq!(
        fs::read_to_string(folder.path().join("rules/streams.trip")).expect("it is there"),
        "# mine\n"
    );
    assert!(!folder.path().join("tripline.toml").exists(), "nothing was written");
}

/// The commands that `--help` lists.
fn commands(folder: &Folder) -> Vec<String> {
    let help = folder.run(&["--help"]);
    let listed = text(&help.stdout).lines().skip_while(|line| *line != "Commands:").skip(1);
    let names =
        listed.take_while(|line| line.starts_with("  ")).filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

#[test]
fn completions_know_every_command_and_are_accepted_by_the_shell() {
    let folder = Folder::new();
    let commands = commands(&folder);
    assert!(commands.len() > 5, "{commands:?}");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = folder.run(&["completions", shell]).stdout;
        for command in &commands {
            assert!(text(&script).contains(command.as_str()), "{shell}: {command}");
        }
    }
    let script = folder.run(&["completions", "bash"]).stdout;
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().expect("bash is there");
    bash.stdin.take().expect("a pipe").write_all(&script).expect("bash reads");
    assert!(bash.wait().expect("bash ends").success());
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::new();
    let written = folder.run(&["man", "man1"]);
    assert_eq!(written.status.code(), Some(0), "{}", text(&written.stderr));
    for command in commands(&folder).iter().filter(|command| *command != "help") {
        let file = folder.path().join(format!("man1/tripline-{command}.1"));
        let page = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{command}: {error}"));
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
    }
    let page = folder.run(&["man"]).stdout;
    assert!(text(&page).contains("tripline\\-check(1)"));
}
