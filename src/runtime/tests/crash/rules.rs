//! The rules that the simulation runs: each set has something whose state is of another kind.

use std::sync::{Arc, OnceLock};

use crate::diagnostic::Sources;
use crate::program::{OldRule, Program};

/// What all sets begin with: one stream whose events may come late, one in which they may not. The same where
/// partitions become quiet; and where nothing comes too late.
const STREAMS: [&str; 3] = [
    "
stream a time at late 2s { n int, k string, m string, v int, at timestamp(ms) }
stream b time at { n int, k string, m string, v int, at timestamp(ms) }
",
    "
stream a time at late 2s idle 4s { n int, k string, m string, v int, at timestamp(ms) }
stream b time at idle 3s { n int, k string, m string, v int, at timestamp(ms) }
",
    "
stream a time at late 1h { n int, k string, m string, v int, at timestamp(ms) }
stream b time at late 1h { n int, k string, m string, v int, at timestamp(ms) }
",
];

/// The sets.
const SETS: [&str; 10] = [
    // A sequence over two streams, with time-outs.
    r#"rule sequence {
        by k
        event low = a where v < 4
        event high = b where v > 4
        match low then high within 10s
        overlap all
        alert high "{k}: {low.n}, {high.n}" { first = low.v }
        on timeout alert low "{k}: {low.n}"
        to out
    }"#,
    // Counts, with a limit.
    r#"rule counts {
        by k
        event x = a where v > 1
        match 3..5 x within 15s
        overlap none
        alert medium "{k}" { sum = sum(x.v), count = count(x) }
        limit 1 per 5s
        to out, audit
    }
    rule many {
        by m
        event x = b where v > 2
        match 2+ x within 8s
        overlap per start
        alert low "{m}" { most = max(x.v) }
    }"#,
    // Absences.
    r#"rule silence {
        by k
        event one = a where v < 5
        match one then not b for 3s
        overlap all
        alert high "{k}: {one.n}"
        to out
    }
    rule between {
        by k
        event one = b where v < 7
        event bad = a where v == 9
        event two = b where v > 3
        match one then not bad then two within 12s
        alert low "{k}: {one.n}, {two.n}"
        to audit
    }"#,
    // Limits for each value.
    r#"rule limited {
        by k
        event x = a where v > 0
        match x
        alert low "{k}: {x.n}"
        limit 1 per 6s for each x.m
        to out
    }
    rule every {
        event x = b
        match x
        alert info "{x.n}"
        to out, audit
    }"#,
    // Runs that overlap and go on after a match.
    r#"rule resumed {
        by k
        event x = a where v > 2
        event y = b where v < 6
        match 2+ x then y within 20s
        overlap resume at last x
        alert low "{k}: {count(x)}, {y.n}"
        to out
    }
    rule tried {
        by k
        event x = a where v > 6
        event y = a where v < 3
        match x then any y within 6s
        overlap all
        alert low "{k}: {x.n}, {y.n}"
    }"#,
    // The past.
    r#"rule habit {
        by k
        event x = a where v > avg(a.v) over previous 20s and count(b where v > 3) over 15s >= 1
        match x
        alert high "{k}: {x.n}" { v = x.v }
        to out
    }
    rule unseen {
        by m
        event x = b where count(b where v == this.v) over previous 10s == 0
        match x
        alert low "{m}: {x.n}"
        to audit
    }"#,
    // Rules over the alerts of other rules.
    r#"rule risky {
        by k
        event x = a where v > 4
        match 2 x within 10s
        overlap all
        alert low "{k}" { sum = sum(x.v) }
        limit 1 per 10s
    }
    stream risks from risky
    rule twice {
        by k
        match risks as one then risks as two within 30s
        alert high "{k}: {one.sum}, {two.sum}"
        to out
    }
    stream twices from twice
    rule thrice {
        match 2 twices as t within 60s
        alert critical "{count(t)}"
        to audit
    }"#,
    // Keys of two fields, and none.
    r#"rule pair {
        by k, m
        event x = a where v < 8
        event y = b where v < 8
        match (x and y) within 10s
        alert low "{k} {m}: {x.n}, {y.n}"
        to out
    }
    rule neighbours {
        event x = a where v < 2
        event y = a where v > 7
        match x next y within 5s
        alert low "{x.n}, {y.n}"
        to out, audit
    }"#,
    // Groups, options, alternatives.
    r#"rule group {
        by k
        event x = a where v < 5
        event y = b where v < 5
        event z = a where v >= 5
        match 2+ (x then y within 8s) then z within 30s
        overlap none
        alert low "{k}: {z.n}"
        on timeout after x alert info "{k}: {first(x).n}"
        to out
    }
    rule option {
        by m
        event x = b where v > 3
        event y = a where v > 6
        event z = b where v < 3
        match x then optional y then z within 10s
        overlap per start
        alert low "{m}: {x.n}, {z.n}"
        to audit
    }"#,
    // A loop that something ends, and bounds that are reached.
    r#"rule ended {
        by k
        event x = a where v < 7
        event stop = a where v == 8
        event y = b where v > 5
        match 1+ x until stop then y within 20s
        overlap none
        max runs 3
        alert low "{k}: {count(x)}, {y.n}"
        to out
    }
    rule lonely {
        by k
        event x = a where v > 5
        match x then not b for 2s then a as after within 15s
        overlap all
        alert low "{k}: {x.n}, {after.n}"
        limit 2 per 4s
        to out, audit
    }"#,
];

/// What may change in a set: what stands for what, and the rules whose alerts may be others then.
type Change = ((&'static str, &'static str), &'static [&'static str]);

/// The changes of each set.
const CHANGES: [[Change; 2]; COUNT] = [
    [
        (("within 10s", "within 6s"), &["sequence"]),
        (("low = a where v < 4", "low = a where v < 5 and m == \"m0\""), &["sequence"]),
    ],
    [(("within 15s", "within 9s"), &["counts"]), (("2+ x within 8s", "3+ x within 12s"), &["many"])],
    [(("not b for 3s", "not b for 5s"), &["silence"]), (("v == 9", "v > 6"), &["between"])],
    [(("v > 0", "v > 3"), &["limited"]), (("1 per 6s", "2 per 9s"), &["limited"])],
    [(("within 20s", "within 12s"), &["resumed"]), (("within 6s", "within 9s"), &["tried"])],
    [(("previous 20s", "previous 8s"), &["habit"]), (("previous 10s", "previous 15s"), &["unseen"])],
    [
        (("a where v > 4", "a where v > 2"), &["risky", "twice", "thrice"]),
        (("within 30s", "within 15s"), &["twice", "thrice"]),
    ],
    [(("within 10s", "within 5s"), &["pair"]), (("v > 7", "v > 4"), &["neighbours"])],
    [(("within 30s", "within 20s"), &["group"]), (("v > 6", "v > 4"), &["option"])],
    [(("v < 7", "v < 6"), &["ended"]), (("for 2s", "for 4s"), &["lonely"])],
];

/// How many sets there are.
pub const COUNT: usize = SETS.len();

/// In how many versions each set is there: as it stands, and with each of its changes.
pub const VERSIONS: usize = 3;

/// A version of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    pub set: usize,
    pub version: usize,
    /// Whether rules that have come to mean something else begin anew, and do not complete what they had.
    pub resets: bool,
    /// Which streams they begin with.
    pub streams: usize,
}

/// The streams of which partitions become quiet.
pub const IDLE: usize = 1;
/// Those in which nothing comes too late.
const PATIENT: usize = 2;

impl Rules {
    /// The rules by themselves, compiled once.
    pub fn program(self) -> Arc<Program> {
        static PROGRAMS: [[[OnceLock<Arc<Program>>; VERSIONS]; COUNT]; STREAMS.len()] =
            [const { [const { [const { OnceLock::new() }; VERSIONS] }; COUNT] }; STREAMS.len()];
        let program = &PROGRAMS[self.streams][self.set][self.version];
        Arc::clone(program.get_or_init(|| self.compile(&[])))
    }

    /// Whether partitions become quiet.
    pub fn idle(self) -> bool {
        self.streams == IDLE
    }

    /// The same rules where nothing comes too late.
    pub fn patient(self) -> Rules {
        Rules { streams: PATIENT, ..self }
    }

    /// The rules to go on with after these.
    pub fn after(self, olds: &[OldRule]) -> Arc<Program> {
        let is_known =
            |old: &OldRule| self.program().rules().iter().any(|rule| rule.fingerprint == old.fingerprint);
        match self.resets || olds.iter().all(is_known) {
            true => self.program(),
            false => self.compile(olds),
        }
    }

    /// Whether some of them read the alerts of others. If these are others now, old versions of those cannot
    /// go on.
    pub fn read_alerts(self) -> bool {
        SETS[self.set].contains("stream ")
    }

    fn compile(self, olds: &[OldRule]) -> Arc<Program> {
        let Rules { set, version, streams, .. } = self;
        let mut text = format!("{}{}", STREAMS[streams], SETS[set]);
        if let Some(change) = version.checked_sub(1) {
            let ((old, new), _) = CHANGES[set][change];
            assert!(text.contains(old), "set {set} has no `{old}`");
            text = text.replace(old, new);
        }
        let sources = Sources::new([("rules.trip", text.as_str())]);
        let (program, problems) = Program::compile_with_old(&sources, olds);
        let program = program.unwrap_or_else(|| panic!("{self:?}: {problems:?}"));
        assert!(program.not_old().is_empty() || self.read_alerts(), "{self:?}: {:?}", program.not_old());
        Arc::new(program)
    }

    /// The rules whose alerts may be others than those of the set as it stands.
    pub fn changed(self) -> &'static [&'static str] {
        self.version.checked_sub(1).map_or(&[], |change| CHANGES[self.set][change].1)
    }
}
