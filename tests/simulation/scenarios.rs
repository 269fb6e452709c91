//! One case each, told in order.

use super::world::{Fate, World, as_json, compile};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// When the tests take place: the seconds and minutes are round.
const START: i64 = 1_000 * DAY;

/// Sensors and a valve. A reading above 100 after which the valve does not move for a minute, and a
/// reading that follows a valve.
const PLANT: &str = r#"
stream readings time at late 2s idle 30s { at timestamp(ms), id string, v int }
stream valves   time at late 5s idle 30s { at timestamp(ms), id string }

rule ignored {
  event high = readings where v > 100
  match high then not valves for 1m
  alert high "{high.id} was ignored" {}
}

rule answered {
  event high = readings where v > 100
  match high then valves as valve within 1m
  overlap all
  alert low "{high.id} was answered by {valve.id}" {}
}
"#;

/// The same without `idle`.
fn patient() -> String {
    PLANT.replace(" idle 30s", "")
}

fn plant() -> World {
    World::new(compile(PLANT), START)
}

fn high(id: &str) -> String {
    format!("\"id\":\"{id}\",\"v\":200")
}

fn low(id: &str) -> String {
    format!("\"id\":\"{id}\",\"v\":1")
}

fn valve(id: &str) -> String {
    format!("\"id\":\"{id}\"")
}

/// What an engine says that has been told nothing of note.
const NOTHING: [&str; 0] = [];

mod idle {
    use super::*;

    #[test]
    fn a_quiet_partition_holds_event_time_until_it_is_idle() {
        let mut world = plant();
        let [busy, quiet] = ["readings", "readings"].map(|stream| world.connects(stream));
        assert_eq!(world.sends(quiet, START, &low("q")), Fate::Taken);
        for second in 0..29 {
            world.wait_until(START + second * 1_000);
            assert_eq!(world.sends(busy, world.now, &low("b")), Fate::Taken);
        }
        assert_eq!(world.event_time(), START - 2_000, "the newest of the quiet one, less `late`");
        for second in 29..32 {
            world.wait_until(START + second * 1_000);
            world.sends(busy, world.now, &low("b"));
        }
        assert_eq!(world.event_time(), START + 29_000, "the newest of the busy one, less `late`");
        // It wakes up with something old, and with something that is still in time.
        assert_eq!(world.sends(quiet, START + 28_000, &low("q")), Fate::Late(1_000));
        assert_eq!(world.sends(quiet, START + 29_000, &low("q")), Fate::Taken);
        world.wait_until(START + 40_000);
        world.sends(busy, world.now, &low("b"));
        assert_eq!(world.event_time(), START + 29_000, "it holds event time back again");
    }

    #[test]
    fn without_idle_a_quiet_partition_holds_event_time_for_good() {
        let mut world = World::new(compile(&patient()), START);
        let [quiet, busy] = ["valves", "readings"].map(|stream| world.connects(stream));
        world.sends(quiet, START - 1, &valve("v"));
        world.sends(busy, START, &high("r"));
        world.wait_until(START + HOUR);
        world.sends(busy, world.now, &low("r"));
        assert_eq!((world.event_time(), world.reports()), (START - 5_001, vec![]));
        // It was only slow.
        assert_eq!(world.sends(quiet, START + 30_000, &valve("slow")), Fate::Taken);
        world.sends(quiet, START + HOUR, &valve("v"));
        assert_eq!(world.reports(), ["r was answered by slow"]);
    }

    #[test]
    fn on_a_silent_stream_the_clock_decides_what_did_not_happen() {
        let mut world = plant();
        let [sensor, valves] = ["readings", "valves"].map(|stream| world.connects(stream));
        world.sends(valves, START - 1, &valve("v"));
        world.sends(sensor, START + 1, &high("r"));
        // Event time follows the clock less the greatest `late`, 5 s.
        world.wait_until(START + 65_001);
        assert_eq!(world.reports(), NOTHING, "the valve may have moved at the last moment");
        assert_eq!(world.event_time(), START + 60_001);
        world.wait_until(START + 65_002);
        assert_eq!(world.reports(), ["r was ignored"]);
        assert_eq!(world.sends(valves, START + 60_000, &valve("v")), Fate::Late(2));
    }

    /// A sensor whose connection broke is as silent as one that says nothing: the meaning of `idle`
    /// for streams all of whose partitions have been closed.
    #[test]
    fn when_all_have_broken_off_the_clock_decides_too() {
        let mut world = plant();
        let [sensor, valves] = ["readings", "valves"].map(|stream| world.connects(stream));
        world.sends(valves, START - 1, &valve("v"));
        world.sends(sensor, START + 1, &high("r"));
        world.wait_until(START + 1_000);
        world.breaks_off(sensor);
        world.breaks_off(valves);
        world.wait_until(START + 29_000);
        assert!(world.event_time() < START + 1, "they may be about to come back");
        world.wait_until(START + 65_001);
        assert_eq!(world.reports(), NOTHING);
        world.wait_until(START + 65_002);
        assert_eq!(world.reports(), ["r was ignored"]);
    }

    #[test]
    fn without_idle_the_clock_decides_nothing_when_all_have_broken_off() {
        let mut world = World::new(compile(&patient()), START);
        let sensor = world.connects("readings");
        world.sends(sensor, START, &high("r"));
        world.breaks_off(sensor);
        world.wait_until(START + DAY);
        assert_eq!((world.event_time(), world.reports()), (START - 2_000, vec![]));
    }
}

mod ahead {
    use super::*;

    #[test]
    fn a_source_that_jumps_an_hour_ahead_waits_for_the_others_and_they_are_not_late() {
        let mut world = plant();
        let [jumps, steady] = ["readings", "readings"].map(|stream| world.connects(stream));
        let valves = world.connects("valves");
        assert_eq!(world.sends(jumps, START + HOUR, &high("jumped")), Fate::Taken);
        for second in 0..60 {
            world.wait_until(START + second * 1_000);
            assert_eq!(world.sends(steady, world.now, &low("s")), Fate::Taken);
            assert_eq!(world.sends(valves, world.now, &valve("v")), Fate::Taken);
        }
        assert!(world.event_time() < START + 60_000);
        assert_eq!(world.reports(), NOTHING, "nobody knows yet what happens until then");
        // For itself it has passed an hour: what it now says is late.
        assert_eq!(world.sends(jumps, world.now, &high("back")), Fate::Late(HOUR - 2_000 - 59_000));
    }

    #[test]
    fn when_the_others_are_idle_a_jump_ahead_makes_them_late() {
        let mut world = plant();
        let [jumps, steady] = ["readings", "readings"].map(|stream| world.connects(stream));
        world.sends(steady, START, &low("s"));
        world.wait_until(START + 31_000);
        assert_eq!(world.sends(jumps, START + HOUR, &low("jumped")), Fate::Taken);
        assert_eq!(world.event_time(), START + HOUR - 2_000);
        assert_eq!(world.sends(steady, world.now, &low("s")), Fate::Late(HOUR - 2_000 - 31_000));
    }

    #[test]
    fn what_is_further_ahead_than_allowed_is_refused_and_moves_nothing() {
        let mut world = plant();
        let source = world.connects("readings");
        world.sends(source, START, &low("r"));
        let before = world.event_time();
        assert_eq!(world.sends(source, START + DAY + 1, &high("future")), Fate::Future(1));
        assert_eq!(world.event_time(), before);
        assert_eq!(world.sends(source, START + 1, &low("r")), Fate::Taken, "its source is not late");
        assert_eq!(world.sends(source, START + DAY, &low("limit")), Fate::Taken);
        let counters = world.engine.counters();
        assert_eq!((counters.events, counters.future, counters.late), (3, 1, 0));
    }
}

mod coming_back {
    use super::*;

    #[test]
    fn a_source_that_comes_back_as_it_was_goes_on_where_event_time_is() {
        let mut world = plant();
        let [leaves, stays] = ["readings", "readings"].map(|stream| world.connects(stream));
        world.sends(leaves, START, &low("l"));
        world.sends(stays, START, &low("s"));
        world.breaks_off(leaves);
        world.wait_until(START + 10_000);
        world.sends(stays, world.now, &low("s"));
        assert_eq!(world.event_time(), START + 8_000, "it is not waited for");
        world.opens(leaves);
        assert_eq!(world.sends(leaves, START + 7_000, &low("l")), Fate::Late(1_000));
        assert_eq!(world.sends(leaves, START + 8_000, &low("l")), Fate::Taken);
        world.wait_until(START + 20_000);
        world.sends(stays, world.now, &low("s"));
        assert_eq!(world.event_time(), START + 8_000, "it is waited for again");
    }

    #[test]
    fn one_that_connects_anew_holds_back_what_is_not_decided_yet() {
        let mut world = plant();
        let [sensor, valves] = ["readings", "valves"].map(|stream| world.connects(stream));
        world.sends(sensor, START, &high("r"));
        world.sends(valves, START - 1, &valve("v"));
        world.breaks_off(valves);
        let again = world.connects("valves");
        world.wait_until(START + 20_000);
        world.sends(sensor, world.now, &low("r"));
        assert_eq!(world.sends(again, START + 10_000, &valve("again")), Fate::Taken);
        for (source, fields) in [(sensor, low("r")), (again, valve("v"))] {
            assert_eq!(world.sends(source, START + 30_000, &fields), Fate::Taken);
        }
        assert_eq!(world.reports(), ["r was answered by again"]);
    }

    #[test]
    fn the_last_one_that_ends_leaves_event_time_where_it_was() {
        let mut world = World::new(compile(&patient()), START);
        let [one, other] = ["readings", "valves"].map(|stream| world.connects(stream));
        world.sends(one, START + 2_000, &high("r"));
        world.sends(other, START + 3_000, &valve("v"));
        world.breaks_off(one);
        world.breaks_off(other);
        assert_eq!(world.event_time(), START, "where the furthest one was");
        let again = world.connects("readings");
        assert_eq!(world.sends(again, START + 4_000, &low("r")), Fate::Taken);
    }
}

mod duplicates {
    use super::*;

    /// A reading, then a valve, each position delivered so many times.
    fn delivered(times: usize) -> World {
        let mut world = plant();
        let [sensor, valves] = ["readings", "valves"].map(|stream| world.connects(stream));
        for (offset, at) in [(7, START), (8, START + 20_000), (9, START + 40_000)] {
            for time in 0..times {
                let fate = world.delivers(sensor, offset, at, &high(&format!("r{offset}")));
                assert!(time > 0 || fate == Fate::Taken);
                let fate = world.delivers(valves, offset, at + 1_000, &valve(&format!("v{offset}")));
                assert!(time > 0 || fate == Fate::Taken);
            }
        }
        world.ends();
        world
    }

    #[test]
    fn a_position_that_is_delivered_again_is_the_same_event() {
        let mut once = delivered(1);
        let mut thrice = delivered(3);
        assert_eq!(as_json(&once.alerts), as_json(&thrice.alerts), "the same alerts with the same ids");
        let reports = once.reports();
        assert_eq!(reports.len(), 3, "{reports:?}");
        assert_eq!(thrice.reports(), reports);
    }

    #[test]
    fn an_event_that_has_been_matched_is_late_when_it_is_delivered_again() {
        let mut world = plant();
        let sensor = world.connects("readings");
        world.delivers(sensor, 1, START, &high("r"));
        world.delivers(sensor, 2, START + 10_000, &low("r"));
        assert_eq!(world.delivers(sensor, 1, START, &high("r")), Fate::Late(8_000));
    }

    #[test]
    fn equal_content_at_another_position_is_another_event() {
        let mut world = plant();
        let [sensor, valves] = ["readings", "valves"].map(|stream| world.connects(stream));
        world.sends(sensor, START, &high("r"));
        world.sends(sensor, START, &high("r"));
        world.sends(valves, START + 1_000, &valve("v"));
        world.ends();
        let ids: Vec<String> = world.alerts.iter().map(|alert| alert.id.to_string()).collect();
        assert_eq!(world.reports(), ["r was answered by v", "r was answered by v"]);
        assert_ne!(ids[0], ids[1]);
    }
}

mod order {
    use super::*;

    /// What follows what: among four events of one moment and one more there are four pairs.
    const NEIGHBOURS: &str = r#"
stream a time at { at timestamp(ms), id string }
stream b time at { at timestamp(ms), id string }
rule within_a { match a as x next a as y overlap all alert low "{x.id} {y.id}" {} }
rule a_to_b   { match a as x next b as y overlap all alert low "{x.id} {y.id}" {} }
rule within_b { match b as x next b as y overlap all alert low "{x.id} {y.id}" {} }
"#;

    #[test]
    fn events_of_one_moment_have_one_order_however_they_arrive() {
        let program = compile(NEIGHBOURS);
        let mut seen = None;
        for order in permutations(5) {
            let mut world = World::new(program.clone(), START);
            let [b0, a0, b1, a1] = ["b", "a", "b", "a"].map(|stream| world.connects(stream));
            // One of them sends two: whichever comes first is its first.
            for place in &order {
                let source = [b0, a0, b1, b1, a1][*place];
                let id = ["b0", "a0", "b1", "b1", "a1"][*place];
                assert_eq!(world.sends(source, START, &valve(id)), Fate::Taken);
            }
            world.ends();
            let alerts = as_json(&world.alerts);
            assert_eq!(seen.get_or_insert(alerts.clone()), &alerts, "{order:?}");
            let mut reports = world.reports();
            reports.sort_unstable();
            assert_eq!(reports, ["a0 a1", "a1 b0", "b0 b1", "b1 b1"]);
        }
    }

    /// When the last source breaks off, all that waits is matched at once; a rule that reads alerts
    /// still sees each before the events that follow it.
    #[test]
    fn an_alert_that_is_read_comes_before_later_events_of_the_same_moment_of_the_clock() {
        let rules = r#"
stream a time at late 5s { at timestamp(ms), id string }
rule first { event one = a where id == "1" match one alert low "first" {} }
stream firsts from first
rule then_second { match firsts then a as later alert low "{later.id}" {} }
"#;
        let mut world = World::new(compile(rules), START);
        let source = world.connects("a");
        for (at, id) in [(START, "1"), (START + 1_000, "2"), (START + 2_000, "3")] {
            assert_eq!(world.sends(source, at, &valve(id)), Fate::Taken);
        }
        world.breaks_off(source);
        world.ends();
        assert_eq!(world.reports(), ["first", "2"]);
    }

    fn permutations(count: usize) -> Vec<Vec<usize>> {
        if count == 0 {
            return vec![vec![]];
        }
        let shorter = permutations(count - 1);
        let place = |order: &Vec<usize>, at: usize| {
            let mut order = order.clone();
            order.insert(at, count - 1);
            order
        };
        shorter.iter().flat_map(|order| (0..count).map(move |at| place(order, at))).collect()
    }
}

mod clock {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_decides_nothing_early_and_takes_nothing_back() {
        let mut world = plant();
        let [sensor, valves] = ["readings", "valves"].map(|stream| world.connects(stream));
        world.sends(sensor, START, &high("r"));
        world.sends(valves, START - 1, &valve("v"));
        world.wait_until(START + 40_000);
        let before = world.event_time();
        assert_eq!(before, START + 35_000, "both are idle");
        world.set_clock(START - HOUR);
        assert_eq!(world.event_time(), before);
        // By that clock the last word has not been spoken yet.
        world.wait_until(START + 29_000);
        assert_eq!((world.event_time(), world.reports()), (before, vec![]));
        world.wait_until(START + 70_000);
        assert_eq!(world.reports(), ["r was ignored"]);
    }

    #[test]
    fn who_speaks_after_the_clock_was_set_back_is_idle_by_that_clock() {
        let mut world = plant();
        let sensor = world.connects("readings");
        world.sends(sensor, START, &high("r"));
        world.set_clock(START - HOUR);
        world.sends(sensor, START + 1_000, &low("r"));
        world.wait_until(START - HOUR + 29_000);
        assert_eq!(world.event_time(), START - 1_000);
        world.wait_until(START - HOUR + 31_000);
        assert_eq!(world.event_time(), START - 1_000, "what the clock says has passed already");
    }

    #[test]
    fn a_clock_that_was_set_back_a_day_refuses_what_it_took_before() {
        let mut world = plant();
        let sensor = world.connects("readings");
        assert_eq!(world.sends(sensor, START, &low("r")), Fate::Taken);
        world.set_clock(START - DAY - 5_000);
        assert_eq!(world.sends(sensor, START + 1, &low("r")), Fate::Future(5_001));
        world.set_clock(START);
        assert_eq!(world.sends(sensor, START + 1, &low("r")), Fate::Taken);
    }
}

mod arrival {
    use super::*;

    /// By time of arrival the same happens, with the clock in the place of what events say.
    #[test]
    fn a_stream_by_arrival_takes_the_time_of_the_clock() {
        let rules =
            PLANT.replace("time at late 2s", "time arrival").replace("time at late 5s", "time arrival");
        let mut world = World::new(compile(&rules), START);
        let [sensor, valves] = ["readings", "valves"].map(|stream| world.connects(stream));
        world.sends(sensor, 0, &high("first"));
        world.wait_until(START + 10_000);
        world.sends(valves, 0, &valve("v"));
        world.wait_until(START + 10_001);
        world.sends(sensor, 0, &high("second"));
        world.wait_until(START + 11_000);
        assert_eq!(world.reports(), ["first was answered by v"]);
        world.wait_until(START + 70_000);
        assert_eq!(world.reports(), NOTHING);
        world.wait_until(START + 70_251);
        assert_eq!(world.reports(), ["second was ignored"]);
        // Never late, even when the clock was set back.
        world.set_clock(START);
        assert_eq!(world.sends(sensor, 0, &high("third")), Fate::Taken);
    }
}
