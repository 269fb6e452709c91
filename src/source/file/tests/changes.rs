//! What can happen to the file at one path.

use std::fs;
use std::os::unix::fs::symlink;

use super::super::Start;
use super::super::follower::{GIVE_UP, LINGER, News, Trouble, Why};
use super::{Bench, append_to};

#[test]
fn a_file_is_waited_for_and_read_as_it_grows() {
    let mut bench = Bench::of("app.log");
    bench.rounds(3);
    assert_eq!(bench.said(), [News::Waiting], "said once");
    bench.append("app.log", "one\ntw");
    bench.round();
    assert_eq!(bench.text("app.log"), "one\ntw");
    bench.round();
    bench.append("app.log", "o\n");
    bench.round();
    assert_eq!(bench.text("app.log"), "one\ntwo\n");
    assert_eq!(bench.said(), [News::Opened(0)]);
    assert_eq!((bench.last.open, bench.last.unread), (1, 2), "as it was when it was looked at");
}

#[test]
fn what_is_still_written_to_a_renamed_file_comes_before_the_new_one() {
    let mut bench = Bench::of("app.log");
    let mut old = bench.writer("app.log");
    append_to(&mut old, "a\n");
    bench.round();
    bench.rename("app.log", "app.log.1");
    bench.rounds(GIVE_UP * 2);
    append_to(&mut old, "b\n");
    bench.round();
    assert_eq!(bench.text("app.log"), "a\nb\n", "it has a name still, so that more may come");
    bench.append("app.log", "c\n");
    bench.round();
    append_to(&mut old, "late\n");
    bench.rounds(LINGER);
    assert_eq!(bench.text("app.log"), "a\nb\nlate\n", "there may be more writers");
    bench.rounds(2);
    assert_eq!(bench.text("app.log"), "a\nb\nlate\n|c\n");
    assert_eq!(bench.said(), [News::Opened(0), News::Vanished, News::Replaced]);
    assert_eq!(bench.last.open, 1, "the old one is left");
}

#[test]
fn a_new_file_that_is_empty_is_no_reason_to_leave_the_old_one() {
    let mut bench = Bench::of("app.log");
    let mut old = bench.writer("app.log");
    append_to(&mut old, "a\n");
    bench.round();
    bench.rename("app.log", "app.log.1");
    bench.append("app.log", "");
    bench.rounds(GIVE_UP * 2);
    append_to(&mut old, "b\n");
    bench.rounds(LINGER * 2);
    bench.append("app.log", "c\n");
    bench.rounds(LINGER + 1);
    assert_eq!(bench.text("app.log"), "a\nb\n|c\n");
}

#[test]
fn files_that_were_replaced_while_nobody_read_are_read_in_their_order() {
    let mut bench = Bench::of("app.log");
    for (number, text) in ["a\n", "b\n", "", "c\n"].into_iter().enumerate() {
        bench.append("app.log", text);
        // Only a look, as while the reader waits for the engine.
        bench.followed.extend(bench.watch.look().new);
        bench.rename("app.log", &format!("app.log.{number}"));
    }
    bench.append("app.log", "d\n");
    bench.rounds(4 * (LINGER + 1));
    assert_eq!(bench.text("app.log"), "a\n|b\n||c\n|d\n");
}

#[test]
fn a_file_that_was_cut_off_is_read_from_its_beginning() {
    let mut bench = Bench::of("app.log");
    let mut log = bench.writer("app.log");
    append_to(&mut log, "one\ntwo\nth");
    bench.round();
    fs::copy(bench.path("app.log"), bench.path("app.log.1")).expect("copied");
    log.set_len(0).expect("truncated");
    append_to(&mut log, "ree\nfour\n");
    bench.round();
    assert_eq!(bench.text("app.log"), "one\ntwo\nth|ree\nfour\n");
    assert_eq!(bench.anew, [Why::Truncated { read: 10, size: 9 }]);
    log.set_len(0).expect("truncated");
    bench.round();
    append_to(&mut log, "five\n");
    bench.round();
    assert_eq!(bench.text("app.log"), "one\ntwo\nth|ree\nfour\n|five\n");
}

#[test]
fn a_link_that_is_switched_is_followed() {
    let mut bench = Bench::of("current");
    bench.append("a.log", "a\n");
    symlink("a.log", bench.path("current")).expect("a link");
    bench.round();
    bench.append("b.log", "b\n");
    symlink("b.log", bench.path("next")).expect("a link");
    bench.rename("next", "current");
    bench.round();
    bench.append("a.log", "more\n");
    bench.rounds(LINGER + 2);
    assert_eq!(bench.text("current"), "a\nmore\n|b\n");
    // And back: what has been read is not read again.
    bench.append("a.log", "again\n");
    symlink("a.log", bench.path("next")).expect("a link");
    bench.rename("next", "current");
    bench.rounds(LINGER + 2);
    assert_eq!(bench.text("current"), "a\nmore\n|b\n|again\n");
}

#[test]
fn a_deleted_file_is_let_go_after_a_while() {
    let mut bench = Bench::of("app.log");
    let mut old = bench.writer("app.log");
    append_to(&mut old, "a\n");
    bench.round();
    bench.remove("app.log");
    bench.round();
    append_to(&mut old, "b\n");
    bench.rounds(GIVE_UP);
    assert_eq!(bench.last.open, 1);
    bench.rounds(2);
    assert_eq!((bench.last.open, bench.text("app.log")), (0, "a\nb\n|".into()), "its space is free now");
    bench.append("app.log", "c\n");
    bench.round();
    assert_eq!(bench.text("app.log"), "a\nb\n|c\n");
    assert_eq!(bench.said(), [News::Opened(0), News::Vanished, News::Replaced]);
}

#[test]
fn a_start_at_the_end_begins_with_the_first_record_that_is_not_whole() {
    for (text, rest, skipped) in [
        ("one\ntwo\nth", "th", 8),
        ("one\ntwo\n", "", 8),
        ("one", "one", 0),
        ("", "", 0),
        (&format!("{}\nrest", "x".repeat(20_000)), "rest", 20_001),
        (&format!("x\n{}", "x".repeat(2 << 20)), "", (2 << 20) + 2),
    ] {
        let mut bench = Bench::new("app.log", Start::End, 10);
        bench.append("app.log", text);
        bench.round();
        assert_eq!(bench.said(), [News::Opened(skipped)]);
        bench.append("app.log", "new\n");
        bench.round();
        assert_eq!(bench.text("app.log"), format!("{rest}new\n"));
        bench.rename("app.log", "app.log.1");
        bench.append("app.log", "next\n");
        bench.rounds(LINGER + 2);
        assert_eq!(bench.text("app.log"), format!("{rest}new\n|next\n"), "new files are read whole");
    }
}

#[test]
fn a_file_that_comes_after_the_start_is_read_from_its_beginning() {
    let mut bench = Bench::new("app.log", Start::End, 10);
    bench.round();
    bench.append("app.log", "one\n");
    bench.round();
    assert_eq!(bench.text("app.log"), "one\n");
}

#[test]
fn what_cannot_be_read_is_said_once_until_it_changes() {
    let mut bench = Bench::of("app.log");
    fs::create_dir(bench.path("app.log")).expect("a folder");
    bench.rounds(3);
    assert_eq!(bench.said(), [News::Trouble(Trouble::NoFile("a folder"))]);
    fs::remove_dir(bench.path("app.log")).expect("removed");
    symlink("app.log", bench.path("app.log")).expect("a link to itself");
    bench.rounds(3);
    assert!(matches!(&bench.said()[..], [News::Trouble(Trouble::System(_))]));
    bench.remove("app.log");
    bench.append("app.log", "one\n");
    bench.round();
    assert_eq!((bench.said(), bench.text("app.log")), (vec![News::Opened(0)], "one\n".into()));
}

/// The memory of a process looks like a file that cannot be read at its beginning.
#[test]
fn a_file_that_cannot_be_read_is_left_for_the_next() {
    let mut bench = Bench::of("app.log");
    symlink("/proc/self/mem", bench.path("app.log")).expect("a link");
    bench.rounds(10);
    assert_eq!((bench.failures, bench.text("app.log")), (1, String::new()), "said once");
    bench.remove("app.log");
    bench.append("app.log", "one\n");
    bench.rounds(LINGER + 2);
    assert_eq!(bench.anew, [Why::Lost]);
    assert_eq!(bench.text("app.log"), "|one\n");
}

#[test]
fn at_the_end_nothing_is_waited_for() {
    let mut bench = Bench::of("app.log");
    bench.append("app.log", "a\n");
    bench.round();
    bench.append("app.log", "b\n");
    bench.rename("app.log", "app.log.1");
    bench.append("app.log", "c\n");
    bench.followed.extend(bench.watch.look().new);
    bench.watch.read_the_last();
    bench.read();
    assert_eq!(bench.text("app.log"), "a\nb\n|c\n");
}
