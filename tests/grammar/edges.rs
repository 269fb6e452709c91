//! Texts at the edges of the language, that chance would seldom find.

use super::agreement::judge;
use super::ebnf::Grammar;
use super::recognise::Recogniser;

/// Texts that are right.
const RIGHT: [&str; 39] = [
    "",
    "\u{feff}# only a comment",
    "let x = 5.y",
    "let x = 1._5",
    "let x = f(y) over 5m . z",
    "let x = f(g(y).z where w)",
    "let x = f(g(y) + 1 where w)",
    "let x = y in -1",
    "let x = y in z + 1",
    "let x = (not y) == z",
    "let x = y\n.z\n[1]\n+\n2",
    "let x =\nstop",
    "let x = v.\nwhere",
    "let x = v.not.is.where",
    "let stream = rule let rule = stream",
    "rule r { match to by alert, on event on = to }",
    "rule r { match 3+ lazy then consecutive next lazy as to }",
    "rule r { match 3+ lazy lazy until lazy by card }",
    "rule r { match 2 optional optional a until b until c }",
    "rule r { match a then any within 1h b within 2h }",
    "rule r { match 3 .. 5 a then 3 + b }",
    "rule r { match a\nthen\nby\nnext to }",
    "rule r { tags by, to to tags by to }",
    "rule r { alert test \"{{{a}}}\" { to = 1, event = 2\nlimit = 3, } }",
    "rule r { alert low \"{a == \\\"}\\\"} \\u{7b}b\\u{7d} {\\n stop}\" }",
    "stream s time late late 5s { }",
    "stream s time time {\n from int\n to string from \"x\"\n test ip? }",
    "stream s { a timestamp\n(ms)? from\n\"x\", }",
    "table t from \"x\" { key key int, key string, key string string\nkey from string from \"x\" }",
    "def f() = 1 def g(a int, b timestamp(s)) = 2",
    "test \"t\" { expect late 1 expect late x 1 expect late timeout expect late { } expect late\n{ } }",
    "test \"t\" { expect r x 1 timeout { } expect r timeout × 2 expect x x 2 }",
    "test \"t\" { expect timeout timeout expect nothing else expect nothing\nelse expect else }",
    "test \"t\" { at 1s at { at: 1, in: 2\nnot: 3\nfor: 4 } restart stop }",
    "test \"t\" { expect r { in.not[0].or: 1, or[1][2]: 2\n} }",
    "rule r { limit 1 per 1h for each a, b limit 2 per 1d12h }",
    "rule r { overlap per start overlap resume at first none }",
    "rule r { by a.not = b.time = c, d }",
    "test \"t\" { at 1s s { a: (f(x))\nwhere: 1 } }",
];

/// Texts that are wrong.
const WRONG: [&str; 50] = [
    "}",
    "let x = 1_.5",
    "let x = 1__0",
    "let x = 5 s",
    "let x = 1.5s",
    "let x = 1m1h",
    "let x = 1s1s",
    "let x = é",
    "let x = \"\\q\"",
    "let x = \"a\nb\"",
    "let x = 'a'",
    "let x = 1 // 2",
    "let x = a < b < c",
    "let x = a == not b",
    "let x = - not b",
    "let x = a in 5",
    "let x = a in (b) + c",
    "let x = a in (b).c",
    "let x = a is missing + 1",
    "let x = a is not missing",
    "let x = a not like \"b\"",
    "let x = f(where a)",
    "let x = f(g(y) where a)",
    "let x = f(a,)",
    "let x = (f(a)) over 5m",
    "let x = f(a).b over 5m",
    "let x = f(a) over 5m over 6m",
    "let x = v.f(a)",
    "let x =\nlet y = 1",
    "let x = v.\nlet y = 1",
    "let x =\nstop\n",
    "let then = 1",
    "stream s { a }",
    "stream s { a\nint }",
    "stream s { a int b int }",
    "stream s { a int\n? }",
    "stream s { a text }",
    "stream s { , }",
    "stream s time at from r",
    "rule r { by: card }",
    "rule r { match lazy a }",
    "rule r { match 3+ lazy by card }",
    "rule r { match lazy by card }",
    "rule r { match optional 3 a }",
    "rule r { match (a or b and c) }",
    "rule r { match a then any not b }",
    "rule r { match a next not b for 5m }",
    "rule r { match a then\nby card }",
    "rule r { alert low \"{a\" }",
    "test \"t\" { at 1s s { a: x\nin: 2 } }",
];

/// Wrong, too: what a call with `where` behind it means in a test.
const WRONG_IN_TESTS: [&str; 7] = [
    "test \"t\" { at 1s s { a: f(x)\nwhere: 1 } }",
    "test \"t\" { expect late }",
    "test \"t\" { expect r x2 }",
    "test \"t\" { expect r 2 }",
    "test \"t\" { expect r × 1 timeout × 2 }",
    "test \"t\" { expect nothing x 2 }",
    "test t { }",
];

#[test]
fn edges_are_judged_alike() {
    let grammar = Grammar::load();
    let recogniser = Recogniser::new(&grammar);
    let mut wrong = String::new();
    let cases = RIGHT.iter().map(|text| (*text, true));
    let cases = cases.chain(WRONG.iter().chain(&WRONG_IN_TESTS).map(|text| (*text, false)));
    for (text, is_right) in cases {
        match judge(&recogniser, text) {
            Ok(found) if found == is_right => {}
            Ok(_) => wrong.push_str(&format!("{text:?}: both say the opposite\n")),
            Err(how) => wrong.push_str(&format!("{text:?}: {how}\n")),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
