//! The alerts of a queue that are in memory, and which of them may be attempted.
//!
//! Alerts of one key stand in a line. Its first ones are attempted, by one attempt at a time; when one has failed, the
//! line is held back until its time has come. Other lines do not wait for it. Times are given.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Next, OrderKey, Outgoing, Pending, Wanted};

/// How many keys are looked at when alerts have waited too long: there are other things to do, too.
const MOST_OVERDUE: usize = 256;

/// The alerts of a queue that are in memory.
#[derive(Debug)]
pub struct Window {
    lines: HashMap<OrderKey, Line>,
    /// The lines that may be attempted, by the number of their first alert.
    ready: BTreeMap<u64, OrderKey>,
    /// When lines that are held back may be attempted.
    times: BTreeSet<(Instant, OrderKey)>,
    /// All alerts by when they began to wait.
    ages: BTreeSet<(Begun, u64, OrderKey)>,
    /// When the window was made.
    origin: Instant,
    bytes: u64,
}

/// When an alert began to wait, in microseconds since the window was made; that may have been before.
type Begun = i64;

/// The alerts of one key, in order.
#[derive(Debug, Default)]
struct Line {
    alerts: VecDeque<Held>,
    /// So many of the first ones are being attempted.
    under_way: usize,
    /// Until then it is held back.
    until: Option<Instant>,
}

#[derive(Debug)]
struct Held {
    number: u64,
    failed: u32,
    begun: Begun,
    alert: Arc<Outgoing>,
}

impl Window {
    /// An empty one.
    pub fn new(now: Instant) -> Window {
        Window {
            lines: HashMap::new(),
            ready: BTreeMap::new(),
            times: BTreeSet::new(),
            ages: BTreeSet::new(),
            origin: now,
            bytes: 0,
        }
    }

    /// How many alerts there are.
    pub fn len(&self) -> usize {
        self.ages.len()
    }

    /// How long the oldest has waited.
    pub fn oldest(&self, now: Instant) -> Option<Duration> {
        let (begun, _, _) = self.ages.first()?;
        Some(Duration::from_micros(u64::try_from(self.micros(now).saturating_sub(*begun)).unwrap_or(0)))
    }

    /// How many bytes they have.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes an alert, which has the largest number. One that has failed before may have to wait `until` then.
    pub fn put(&mut self, pending: Pending, until: Option<Instant>, now: Instant) {
        let Pending { number, failed, waited, alert } = pending;
        let begun = self.micros(now).saturating_sub(i64::try_from(waited.as_micros()).unwrap_or(i64::MAX));
        let key = alert.key;
        self.bytes += alert.body.len() as u64;
        self.ages.insert((begun, number, key));
        let line = self.lines.entry(key).or_default();
        line.alerts.push_back(Held { number, failed, begun, alert });
        if line.alerts.len() == 1 {
            line.until = until;
            self.settle_line(key);
        }
    }

    /// Takes those that may be attempted at this time, at most so many, in order. Until it is said what has come of
    /// them, no others of their keys are given.
    pub fn take(&mut self, now: Instant, most: usize) -> Vec<Pending> {
        while let Some((time, key)) = self.times.first().copied()
            && time <= now
        {
            self.times.remove(&(time, key));
            self.line(key).until = None;
            self.settle_line(key);
        }
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some((_, key)) = self.ready.pop_first()
        {
            taken.push(self.take_next(key, now));
            // The next one of its line goes with it, as the same attempt has both.
            let line = self.line(key);
            if let Some(next) = line.alerts.get(line.under_way) {
                let number = next.number;
                self.ready.insert(number, key);
            }
        }
        for pending in &taken {
            // What is left of these lines waits for the attempt.
            let line = self.line(pending.alert.key);
            if let Some(next) = line.alerts.get(line.under_way) {
                let number = next.number;
                self.ready.remove(&number);
            }
        }
        taken
    }

    /// Takes the first one that may be attempted at this time, or the one that may be next although its time has not
    /// come.
    pub fn take_any(&mut self, now: Instant) -> Option<Pending> {
        if let Some(pending) = self.take(now, 1).pop() {
            return Some(pending);
        }
        let (_, key) = self.times.pop_first()?;
        self.line(key).until = None;
        Some(self.take_next(key, now))
    }

    /// What there is to do now of what is wanted.
    pub fn next(&mut self, wanted: Wanted, now: Instant) -> Option<Next> {
        let Wanted { most, is_probe, overdue } = wanted;
        let overdue = overdue.map(|after| self.take_overdue(now, after, MOST_OVERDUE)).unwrap_or_default();
        if !overdue.is_empty() {
            return Some(Next::Overdue(overdue));
        }
        let attempt = match is_probe && most > 0 {
            true => self.take_any(now).into_iter().collect(),
            false => self.take(now, most),
        };
        (!attempt.is_empty()).then_some(Next::Attempt(attempt))
    }

    fn take_next(&mut self, key: OrderKey, now: Instant) -> Pending {
        let now = self.micros(now);
        let line = self.line(key);
        let held = &line.alerts[line.under_way];
        let waited = Duration::from_micros(u64::try_from(now.saturating_sub(held.begun)).unwrap_or(0));
        let pending =
            Pending { number: held.number, failed: held.failed, waited, alert: Arc::clone(&held.alert) };
        line.under_way += 1;
        pending
    }

    /// Takes those that have waited so long and are not being attempted, of so many keys at most; those before them of
    /// their keys are taken with them.
    fn take_overdue(&mut self, now: Instant, after: Duration, most: usize) -> Vec<Pending> {
        let Some(latest) = self.latest(now, after) else { return Vec::new() };
        let overdue = self.ages.range(..=(latest, u64::MAX, [u8::MAX; 16]));
        let free = overdue.filter(|(_, _, key)| self.lines[key].under_way == 0);
        let found: Vec<(u64, OrderKey)> = free.take(most).map(|(_, number, key)| (*number, *key)).collect();
        let mut taken = Vec::new();
        for (last, key) in found {
            if self.line(key).under_way == 0 {
                self.unlist(key);
            }
            let is_wanted =
                |line: &Line| line.alerts.get(line.under_way).is_some_and(|next| next.number <= last);
            while is_wanted(self.line(key)) {
                taken.push(self.take_next(key, now));
            }
        }
        taken
    }

    /// When the next one will have waited so long. Those that are being attempted do not count.
    pub fn next_overdue(&self, after: Duration) -> Option<Instant> {
        let (begun, _, _) = self.ages.iter().find(|(_, _, key)| self.lines[key].under_way == 0)?;
        let due = i64::try_from(after.as_micros()).unwrap_or(i64::MAX).saturating_add(*begun);
        Some(self.origin + Duration::from_micros(u64::try_from(due).unwrap_or(0)))
    }

    /// Before when those began to wait that have waited so long.
    fn latest(&self, now: Instant, after: Duration) -> Option<Begun> {
        self.micros(now).checked_sub(i64::try_from(after.as_micros()).ok()?)
    }

    fn micros(&self, now: Instant) -> Begun {
        i64::try_from(now.saturating_duration_since(self.origin).as_micros()).unwrap_or(i64::MAX)
    }

    /// When the next one may be attempted of those that are held back.
    pub fn next_time(&self) -> Option<Instant> {
        self.times.first().map(|(time, _)| *time)
    }

    /// Whether there are any that may be attempted at once.
    pub fn is_idle(&self) -> bool {
        self.ready.is_empty()
    }

    /// Nothing is held back for longer than until then.
    pub fn hold_back_until_at_most(&mut self, most: Instant) {
        let late: Vec<OrderKey> = self.times.range((most, [0; 16])..).map(|(_, key)| *key).collect();
        for key in late {
            self.unlist(key);
            self.line(key).until = Some(most);
            self.settle_line(key);
        }
    }

    /// What has these numbers is not held back any longer.
    pub fn hurry(&mut self, numbers: &BTreeSet<u64>) {
        for (_, _, key) in self.find(numbers) {
            self.unlist(key);
            self.settle_line(key);
        }
    }

    /// Takes out what has these numbers and is not being attempted. Gives the numbers of what is.
    pub fn discard(&mut self, numbers: &BTreeSet<u64>) -> BTreeSet<u64> {
        let mut left = BTreeSet::new();
        for age in self.find(numbers) {
            let (_, number, key) = age;
            let line = self.line(key);
            let place = line.alerts.iter().position(|held| held.number == number);
            let place = place.expect("what has an age is in its line");
            if place < line.under_way {
                left.insert(number);
                continue;
            }
            // The first one says until when the line is held back.
            let until = line.until.filter(|_| place > 0);
            self.unlist(key);
            let line = self.line(key);
            line.until = until;
            let held = line.alerts.remove(place).expect("it was just found");
            self.bytes -= held.alert.body.len() as u64;
            self.ages.remove(&age);
            self.settle_line(key);
        }
        left
    }

    fn find(&self, numbers: &BTreeSet<u64>) -> Vec<(Begun, u64, OrderKey)> {
        if numbers.is_empty() {
            return Vec::new();
        }
        self.ages.iter().filter(|(_, number, _)| numbers.contains(number)).copied().collect()
    }

    /// One that was taken is done with: it is the first of its line.
    pub fn settle(&mut self, pending: &Pending) {
        let key = pending.alert.key;
        let line = self.line(key);
        let held = line.alerts.pop_front();
        let held =
            held.filter(|held| held.number == pending.number).expect("they are settled in their order");
        line.under_way -= 1;
        self.bytes -= held.alert.body.len() as u64;
        self.ages.remove(&(held.begun, held.number, key));
        self.settle_line(key);
    }

    /// One that was taken has failed, and may be attempted again at that time; those behind it of its line, which
    /// were taken with it or not, wait as well.
    pub fn fail(&mut self, pending: &Pending, until: Instant) {
        let line = self.line(pending.alert.key);
        line.until = Some(until);
        if let Some(first) = line.alerts.front_mut() {
            first.failed = first.failed.saturating_add(1);
        }
        self.put_back(pending);
    }

    /// One that was taken has not been attempted.
    pub fn put_back(&mut self, pending: &Pending) {
        let line = self.line(pending.alert.key);
        line.under_way -= 1;
        self.settle_line(pending.alert.key);
    }

    /// All alerts, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = Arc<Outgoing>> + use<> {
        let Window { lines, .. } = std::mem::replace(self, Window::new(self.origin));
        let all = lines.into_values().flat_map(|line| line.alerts);
        all.map(|held| (held.number, held.alert)).collect::<BTreeMap<_, _>>().into_values()
    }

    fn line(&mut self, key: OrderKey) -> &mut Line {
        self.lines.get_mut(&key).expect("what is listed or was taken has its line")
    }

    /// Takes a line out of those that wait.
    fn unlist(&mut self, key: OrderKey) {
        let line = self.line(key);
        let (first, until) = (line.alerts.front().map(|held| held.number), line.until.take());
        first.map(|number| self.ready.remove(&number));
        until.map(|until| self.times.remove(&(until, key)));
    }

    /// Lists a line where it belongs, if nothing of it is being attempted.
    fn settle_line(&mut self, key: OrderKey) {
        let line = self.line(key);
        if line.under_way > 0 {
            return;
        }
        match (line.alerts.front().map(|first| first.number), line.until) {
            (None, _) => drop(self.lines.remove(&key)),
            (Some(_), Some(until)) => drop(self.times.insert((until, key))),
            (Some(first), None) => drop(self.ready.insert(first, key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pending(number: u64, key: u8, waited: Duration) -> Pending {
        let alert =
            Outgoing { id: number.to_string(), rule: "r".into(), key: [key; 16], body: "12345".into() };
        Pending { number, failed: 0, waited, alert: Arc::new(alert) }
    }

    /// Alerts of these keys, numbered from 1 on.
    fn window(now: Instant, keys: &[u8]) -> Window {
        let mut window = Window::new(now);
        let alerts = (1..).zip(keys).map(|(number, key)| pending(number, *key, Duration::ZERO));
        alerts.for_each(|alert| window.put(alert, None, now));
        window
    }

    /// Those that have waited for so many seconds, which are gone then.
    fn overdue(window: &mut Window, now: Instant, seconds: u32, most: usize) -> Vec<u64> {
        let overdue = window.take_overdue(now, seconds * SECOND, most);
        overdue.iter().for_each(|pending| window.settle(pending));
        numbers(&overdue)
    }

    fn numbers(pending: &[Pending]) -> Vec<u64> {
        pending.iter().map(|pending| pending.number).collect()
    }

    /// What may be attempted, and is not.
    fn ready(window: &mut Window, now: Instant) -> Vec<u64> {
        let taken = window.take(now, 100);
        // The last of a line goes back first.
        taken.iter().rev().for_each(|pending| window.put_back(pending));
        numbers(&taken)
    }

    #[test]
    fn a_failure_holds_back_what_is_behind_it_of_its_key() {
        let now = Instant::now();
        let mut window = window(now, &[1, 2, 1, 3, 1]);
        assert_eq!(ready(&mut window, now), [1, 2, 3, 4, 5]);
        let taken = window.take(now, 4);
        window.settle(&taken[0]);
        window.settle(&taken[1]);
        window.fail(&taken[2], now + 2 * SECOND);
        window.put_back(&taken[3]);
        assert_eq!(ready(&mut window, now), [4]);
        window.put(pending(6, 1, Duration::ZERO), None, now);
        window.put(pending(7, 3, Duration::ZERO), None, now);
        let four = window.take(now, 1);
        window.fail(&four[0], now + SECOND);
        assert_eq!((ready(&mut window, now), window.next_time()), (vec![], Some(now + SECOND)));
        assert_eq!(ready(&mut window, now + SECOND), [4, 7]);
        let all = window.take(now + 2 * SECOND, 100);
        assert_eq!((numbers(&all), window.next_time()), (vec![3, 4, 5, 6, 7], None));
        let failed: Vec<u32> = all.iter().map(|pending| pending.failed).collect();
        assert_eq!(failed, [1, 1, 0, 0, 0]);
    }

    #[test]
    fn a_key_is_attempted_by_one_attempt_at_a_time() {
        let now = Instant::now();
        let mut window = window(now, &[1, 1, 2, 1, 3]);
        let first = window.take(now, 2);
        assert_eq!(numbers(&first), [1, 2]);
        let second = window.take(now, 1);
        assert_eq!(numbers(&second), [3], "4 is of the same key as 1 and 2");
        window.put(pending(6, 2, Duration::ZERO), None, now);
        assert_eq!(ready(&mut window, now), [5]);
        window.settle(&second[0]);
        assert_eq!(ready(&mut window, now), [5, 6]);
        window.settle(&first[0]);
        assert_eq!(ready(&mut window, now), [5, 6], "2 is under way");
        window.settle(&first[1]);
        assert_eq!(ready(&mut window, now), [4, 5, 6]);
    }

    #[test]
    fn what_has_failed_before_waits_for_its_time_with_its_key() {
        let now = Instant::now();
        let mut window = window(now, &[1]);
        window.put(pending(2, 2, Duration::ZERO), Some(now + SECOND), now);
        // The first of a key says when.
        window.put(pending(3, 2, Duration::ZERO), Some(now + 9 * SECOND), now);
        assert_eq!(ready(&mut window, now), [1]);
        assert_eq!(ready(&mut window, now + SECOND), [1, 2, 3]);
    }

    #[test]
    fn a_probe_does_not_wait_for_the_time_of_its_alert() {
        let now = Instant::now();
        let mut window = window(now, &[1, 2]);
        let taken = window.take(now, 2);
        window.fail(&taken[0], now + 5 * SECOND);
        window.fail(&taken[1], now + 3 * SECOND);
        let any = window.take_any(now).expect("there are two");
        assert_eq!(any.number, 2);
        assert_eq!(window.next_time(), Some(now + 5 * SECOND));
        window.settle(&any);
        window.hold_back_until_at_most(now + SECOND);
        assert_eq!(window.next_time(), Some(now + SECOND));
        assert_eq!(ready(&mut window, now + SECOND), [1]);
        assert_eq!(window.take_any(now).map(|pending| pending.number), Some(1));
        assert_eq!(window.take_any(now), None);
    }

    #[test]
    fn what_is_wanted_at_once_is_not_held_back_and_what_is_not_wanted_goes() {
        let now = Instant::now();
        let mut window = window(now, &[1, 2, 1, 2, 3]);
        let taken = window.take(now, 2);
        window.fail(&taken[0], now + 5 * SECOND);
        window.fail(&taken[1], now + 5 * SECOND);
        let five = window.take(now, 1);
        assert_eq!(window.discard(&BTreeSet::from([2, 3, 5, 9])), BTreeSet::from([5]), "it is under way");
        assert_eq!((window.len(), window.bytes()), (3, 15));
        // 4 does not wait for 2 any more; 1 still waits.
        assert_eq!((ready(&mut window, now), window.next_time()), (vec![4], Some(now + 5 * SECOND)));
        window.hurry(&BTreeSet::from([1, 5]));
        assert_eq!((ready(&mut window, now), window.next_time()), (vec![1, 4], None));
        window.put_back(&five[0]);
        assert_eq!(window.discard(&BTreeSet::from([5])), BTreeSet::new());
        assert_eq!(ready(&mut window, now), [1, 4]);
    }

    #[test]
    fn those_that_have_waited_too_long_are_taken_out_in_order_but_not_while_they_are_attempted() {
        let now = Instant::now();
        let mut window = Window::new(now);
        for (number, key, waited) in [(1, 1, 9), (2, 2, 5), (3, 1, 1), (4, 2, 8), (5, 3, 7)] {
            window.put(pending(number, key, waited * SECOND), None, now);
        }
        let first = window.take(now, 1);
        assert_eq!((numbers(&first), first[0].waited), (vec![1], 9 * SECOND));
        assert_eq!(window.next_overdue(10 * SECOND), Some(now + 2 * SECOND));
        // The clock was set back between 2 and 4: 2 goes first all the same.
        assert_eq!(overdue(&mut window, now, 8, 9), [2, 4]);
        window.fail(&first[0], now + 99 * SECOND);
        let later = now + SECOND;
        assert_eq!(overdue(&mut window, later, 8, 1), [1]);
        assert_eq!(overdue(&mut window, later, 8, 9), [5]);
        assert_eq!(overdue(&mut window, later, 8, 9), [] as [u64; 0]);
        assert_eq!((ready(&mut window, later), window.next_time(), window.len()), (vec![3], None, 1));
    }

    #[test]
    fn it_counts_what_it_holds_and_gives_all_of_it_in_order() {
        let now = Instant::now();
        let mut window = window(now, &[1, 2, 1, 3]);
        let taken = window.take(now, 2);
        window.fail(&taken[0], now + SECOND);
        window.settle(&taken[1]);
        assert_eq!((window.len(), window.bytes(), window.is_idle()), (3, 15, false));
        let four = window.take(now, 1);
        assert!(window.is_idle());
        window.settle(&four[0]);
        window.put(pending(5, 4, Duration::ZERO), None, now);
        let left: Vec<String> = window.drain().map(|alert| alert.id.clone()).collect();
        assert_eq!(left, ["1", "3", "5"]);
        assert_eq!((window.len(), window.bytes(), window.next_time()), (0, 0, None));
    }
}
