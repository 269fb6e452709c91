//! Alerts, people and time at random, with a process that dies at any moment: what is told is what the naive one says,
//! nothing is lost and nothing told twice.

use serde_json::json;

use super::naive::Naive;
use super::*;
use crate::disk::simulated::Random;

const RULES: [&str; 4] = ["down", "up", "slow", "login"];

fn settings(random: &mut Random) -> Settings {
    let mut routes = Vec::new();
    for number in 0..random.size(4) {
        let matchers = [
            json!({}),
            json!({"rules": ["down", "slow"]}),
            json!({"severity": ">= high"}),
            json!({"fields": {"site": ["a"]}}),
            json!({"rules": ["l*"], "severity": "< critical"}),
        ];
        let by: [&[&str]; 4] = [&[], &["rule"], &["site", "severity"], &["key"]];
        let group = grouping(
            by[random.size(4)],
            5 * random.below(9) as i64,
            60 + random.below(300) as i64,
            1 + random.size(4),
        );
        let hours = QuietHours {
            name: "q".into(),
            days: [true; 7],
            from: 22 * 60,
            to: 7 * 60,
            zone: jiff::tz::TimeZone::UTC,
        };
        let instead = random.percent(30).then(|| vec!["b".to_owned()]);
        let escalate = Escalate { after: seconds(20 + random.below(400) as i64), to: vec!["c".into()] };
        let after = random.percent(60).then(|| seconds(30 + random.below(900) as i64));
        let by = if random.percent(60) { vec!["up".parse().expect("a pattern")] } else { Vec::new() };
        routes.push(Route {
            name: format!("{number}"),
            matcher: matcher(matchers[random.size(matchers.len())].clone()),
            sinks: [None, Some(vec!["a".into()]), Some(vec!["a".into(), "b".into()])][random.size(3)].clone(),
            goes_on: random.percent(40),
            group: group.filter(|_| random.percent(60)),
            quiet: random.percent(30).then(|| Quiet { hours: vec![hours], instead, even_critical: false }),
            escalate: random.percent(40).then_some(escalate),
            resolve: random.percent(50).then_some(Resolve { after, by }),
        });
    }
    let inhibit = Inhibit {
        name: "i".into(),
        source: matcher(json!({"rules": ["down"]})),
        target: matcher(json!({"severity": "< critical"})),
        equal: if random.percent(50) { vec!["site".into()] } else { Vec::new() },
        lasts: seconds(30 + random.below(300) as i64),
    };
    let sinks = ["own", "a", "b", "c"].map(String::from).to_vec();
    Settings {
        sinks,
        default_sinks: Vec::new(),
        routes,
        inhibit: random.percent(40).then_some(inhibit).into_iter().collect(),
    }
}

/// What one thing that happens does to a router.
type Deed = Box<dyn Fn(&mut Router, Timestamp)>;

/// Something that happens, done to the naive one, and to be done to the other.
fn happen(random: &mut Random, naive: &mut Naive, ids: &mut Vec<String>, now: i64) -> Deed {
    let known = |random: &mut Random, ids: &[String]| ids.get(random.size(ids.len().max(1))).cloned();
    match random.size(12) {
        0 => {
            let rule = RULES[random.size(4)];
            let ends = now + 10 + random.below(600) as i64;
            let about = matcher(json!({"rules": [rule]}));
            naive.silences.push((about.clone(), now, ends));
            Box::new(move |router, now| {
                let (matcher, author) = (about.clone(), "ana".into());
                let wanted =
                    NewSilence { matcher, starts: None, ends: at(ends), author, comment: String::new() };
                router.silences().add(wanted, now).expect("it makes sense");
            })
        }
        1 | 2 => {
            let Some(id) = known(random, ids) else { return Box::new(|_, _| {}) };
            naive.acknowledge(&id);
            Box::new(move |router, now| drop(router.acknowledge(&id, "ana", "", now).expect("it is kept")))
        }
        3 => {
            let Some(id) = known(random, ids) else { return Box::new(|_, _| {}) };
            naive.resolve(&id);
            Box::new(move |router, now| drop(router.resolve(&id, "ana", "", now).expect("it is kept")))
        }
        _ => {
            // Some are decided again.
            let id = match known(random, ids).filter(|_| random.percent(10)) {
                Some(id) => id,
                None => format!("{:04}", ids.len()),
            };
            let severity = [Severity::Low, Severity::High, Severity::Critical][random.size(3)];
            let key = ["a1", "a2", "b1"][random.size(3)];
            let alert = alert(&id, RULES[random.size(4)], severity, key);
            naive.offer(&alert, now);
            if !ids.contains(&id) {
                ids.push(id);
            }
            Box::new(move |router, now| router.offer(&alert, false, now))
        }
    }
}

fn play(seed: u64) {
    let mut random = Random::new(seed);
    let settings = settings(&mut random);
    let (mut kept, mut naive) = (Kept::with(settings.clone()), Naive::new(settings));
    let (mut ids, mut told) = (Vec::new(), std::collections::BTreeSet::new());
    // How often the process dies at each of three places. To begin again takes longer than all else together, so that
    // with many deaths there would be few seeds.
    let deaths = [0, 2, 10][random.size(3)];
    // From afternoon until the next noon, so that there is a night in between.
    let mut now = 18 * 3_600;
    for step in 0..150 {
        now += [0, 1, 7, 40, 300, 2_000][random.size(6)];
        naive.tick(now);
        let deed = happen(&mut random, &mut naive, &mut ids, now);
        // The process may die before anything of it is stored, and do it again when it is back.
        if random.percent(deaths) {
            kept.router.tick(at(now));
            deed(&mut kept.router, at(now));
            kept.restart();
        }
        kept.router.tick(at(now));
        if random.percent(deaths) {
            kept.store(at(now));
            kept.restart();
        }
        deed(&mut kept.router, at(now));
        kept.store(at(now));
        if random.percent(deaths) {
            kept.restart();
        }
        for (id, sinks, _) in &kept.sent {
            for sink in sinks {
                assert!(
                    told.insert((id.clone(), sink.clone())),
                    "seed {seed}, step {step}: {id} twice to {sink}"
                );
            }
        }
        let (mut found, mut expected) = (kept.told(), std::mem::take(&mut naive.told));
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "seed {seed}, step {step}, at {}", at(now));
    }
}

#[test]
fn whatever_happens_routing_tells_what_the_naive_one_says() {
    crate::seeds::seeds(60, 500).for_each(|seed| play(seed.number));
}
