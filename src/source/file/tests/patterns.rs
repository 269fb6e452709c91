//! Many files that match a pattern.

use std::fs;
use std::os::unix::fs::symlink;

use super::super::Start;
use super::super::follower::{GIVE_UP, LINGER};
use super::super::watch::SEARCH_EVERY;
use super::Bench;

/// So many looks find what has come.
const FOUND: u32 = SEARCH_EVERY as u32;

#[test]
fn new_files_are_picked_up_in_order_of_their_names() {
    let mut bench = Bench::new("*.log", Start::End, 10);
    for name in ["b.log", "a.log", "c.txt"] {
        bench.append(name, "old\n");
    }
    bench.round();
    assert_eq!(bench.names(), ["a.log", "b.log"]);
    bench.append("new.log", "n\n");
    bench.append("a.log", "a\n");
    bench.rounds(FOUND);
    assert_eq!(bench.names(), ["a.log", "b.log", "new.log"]);
    assert_eq!((bench.text("a.log"), bench.text("new.log")), ("a\n".into(), "n\n".into()));
}

#[test]
fn folders_and_what_rotation_has_compressed_are_left_out() {
    let mut bench = Bench::of("app*");
    bench.append("app.log", "a\n");
    bench.append("app.log.2.gz", "x");
    fs::create_dir(bench.path("apps")).expect("a folder");
    bench.rounds(FOUND * 2);
    assert_eq!(bench.names(), ["app.log"]);
    assert_eq!((bench.said().len(), bench.troubles.len()), (1, 0), "nothing is wrong");
}

#[test]
fn a_file_that_gets_another_name_of_the_pattern_is_not_read_again() {
    let mut bench = Bench::of("app.log*");
    bench.append("app.log", "a\n");
    bench.round();
    for (number, text) in ["b\n", "c\n", "d\n"].into_iter().enumerate() {
        for older in (1..=number).rev() {
            bench.rename(&format!("app.log.{older}"), &format!("app.log.{}", older + 1));
        }
        bench.rename("app.log", "app.log.1");
        bench.append("app.log", text);
        bench.rounds(LINGER + FOUND * 20);
    }
    assert_eq!(bench.text("app.log"), "a\n|b\n|c\n|d\n");
    assert_eq!(bench.names(), ["app.log"]);
    // A writer that woke up late: what it adds is read, and only that.
    bench.append("app.log.2", "late\n");
    bench.rounds(FOUND);
    assert_eq!(bench.text("app.log.2"), "late\n");
}

#[test]
fn a_file_that_came_and_was_renamed_between_two_looks_is_read_under_its_new_name() {
    let mut bench = Bench::of("app.log*");
    bench.append("app.log", "a\n");
    bench.round();
    bench.rename("app.log", "app.log.2");
    bench.append("app.log", "b\n");
    bench.rename("app.log", "app.log.1");
    bench.append("app.log", "c\n");
    bench.rounds(LINGER + FOUND + 2);
    assert_eq!((bench.text("app.log"), bench.text("app.log.1")), ("a\n|c\n".into(), "b\n".into()));
}

#[test]
fn a_file_with_two_names_is_read_once() {
    let mut bench = Bench::of("*.log");
    bench.append("a.log", "a\n");
    symlink("a.log", bench.path("current.log")).expect("a link");
    bench.rounds(FOUND * 3);
    assert_eq!(bench.names(), ["a.log"]);
}

#[test]
fn a_path_without_a_file_is_given_up() {
    let mut bench = Bench::of("*.log");
    bench.append("a.log", "a\n");
    bench.round();
    bench.remove("a.log");
    bench.rounds(2 * GIVE_UP + 3);
    assert_eq!((bench.names(), bench.last.open), (Vec::new(), 0));
    bench.append("a.log", "new\n");
    bench.rounds(FOUND);
    assert_eq!(bench.text("a.log"), "a\n|new\n", "a path of its own again");
}

#[test]
fn too_many_files_are_left_out_and_reported_once() {
    let mut bench = Bench::new("*.log", Start::Beginning, 2);
    for name in ["a.log", "b.log", "c.log", "d.log"] {
        bench.append(name, name);
    }
    bench.rounds(FOUND * 3);
    assert_eq!(bench.names(), ["a.log", "b.log"]);
    assert_eq!(bench.troubles, ["2 more paths match than `max_files` = 2 allows; they are not read"]);
    bench.remove("a.log");
    bench.rounds(2 * GIVE_UP + FOUND);
    assert_eq!(bench.names(), ["b.log", "c.log"], "there is a place now");
}
