//! What rules are said to do.
#[path = "../common/rules.rs"]
mod rules;
use tripline::diagnostic::FileId;
use tripline::language::explain::RuleSet;
use tripline::language::parse;
use tripline::language::tree::File;

fn files(texts: &[&str]) -> Vec<File> {
    texts.iter().enumerate().map(|(i, t)| parse(FileId(i as u32), t).0).collect()
}

#[test]
fn dump_rules() {
    let sources = rules::sources();
    let files: Vec<File> = sources.iter().map(|(id, f)| parse(id, &f.text).0).collect();
    let set = RuleSet::new(&files);
    for rule in set.rules() {
        println!("{}", set.explain(rule).to_markdown());
    }
}

#[test]
fn dump_patterns() {
    let text = std::fs::read_to_string("/tmp/explain/patterns.txt").unwrap();
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        let (pattern, rest) = line.split_once('|').unwrap_or((line, ""));
        let src = format!(
            "stream s time at {{ id int, k string, t string, v int, at timestamp(ms) }}\nrule r {{ by k\n event a = s where t == \"a\"\n event b = s where t == \"b\"\n event c = s where t == \"c\"\n event d = s where t == \"d\"\n event x = s where t == \"x\"\n event y = s where t == \"y\"\n match {pattern}\n {rest}\n alert info \"m\" }}\n"
        );
        let files = files(&[&src]);
        let set = RuleSet::new(&files);
        let e = set.explain(set.rule("r").unwrap());
        println!("=== {line}\n{}\n", e.summary);
        let md = e.to_markdown();
        for title in ["Pattern", "When it is reported"] {
            let part =
                md.split(&format!("## {title}\n\n")).nth(1).unwrap_or("").split("\n## ").next().unwrap();
            println!("{part}");
        }
    }
}

#[test]
fn dump_conditions() {
    let text = std::fs::read_to_string("/tmp/explain/conditions.txt").unwrap();
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        let src = format!(
            "stream auth time at {{ id int, amount float, items int, ok bool, known bool?, country string?, ip ip?, device string?, merchant string, took duration?, at timestamp(ms) }}\n let net = \"10.0.0.0/8\"\nlet limit_x = 2 * 3\n def ratio(a float, b float) = a / b\n def is_big(x float) = x > limit_x\n rule r {{ by ip\n event e = auth where {line}\n match e\n alert info \"m\" }}\n"
        );
        let files = files(&[&src]);
        let set = RuleSet::new(&files);
        let e = set.explain(set.rule("r").expect(line));
        let md = e.to_markdown();
        println!("=== {line}");
        for title in ["Events", "Names", "Grouping"] {
            let part =
                md.split(&format!("## {title}\n\n")).nth(1).unwrap_or("").split("\n## ").next().unwrap();
            if title != "Grouping" || part.contains("past time") {
                print!("{part}");
            }
        }
    }
}
