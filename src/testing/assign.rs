//! Which alert satisfies which expectation: as many as possible, each alert one at most.
//!
//! A greedy choice would give an alert to an expectation that another one would satisfy as well and
//! leave a third with none. Augmenting paths (Berge, PNAS 43(9), 1957) never do.

use std::collections::VecDeque;

/// For each expectation, the alerts that satisfy it. `counts`: how many alerts each expectation takes
/// at most; `fits`: which alerts it could take, those it prefers first.
pub(super) fn assign(counts: &[usize], fits: &[Vec<usize>], alerts: usize) -> Vec<Vec<usize>> {
    let mut search = Search { fits, owner: vec![None; alerts], given_up: vec![false; alerts] };
    for (expectation, count) in counts.iter().enumerate() {
        for _ in 0..(*count).min(fits[expectation].len()) {
            if !search.give_one(expectation) {
                break;
            }
        }
    }
    let mut assigned = vec![Vec::new(); counts.len()];
    for (alert, owner) in search.owner.into_iter().enumerate() {
        if let Some(expectation) = owner {
            assigned[expectation].push(alert);
        }
    }
    assigned
}

struct Search<'a> {
    fits: &'a [Vec<usize>],
    /// Which expectation has the alert.
    owner: Vec<Option<usize>>,
    /// Alerts that a search has come to in vain: no later one can get any of them free.
    given_up: Vec<bool>,
}

impl Search<'_> {
    /// Gives one more alert to an expectation, if need be by giving others another one for theirs.
    fn give_one(&mut self, expectation: usize) -> bool {
        // For each alert come to, the expectation that would take it.
        let mut taker: Vec<Option<usize>> = vec![None; self.owner.len()];
        // For each expectation come to, the alert that it would give away.
        let mut gives: Vec<Option<usize>> = vec![None; self.fits.len()];
        let mut open = VecDeque::from([expectation]);
        let mut seen = Vec::new();
        while let Some(next) = open.pop_front() {
            for &alert in &self.fits[next] {
                let own = self.owner[alert] == Some(next);
                if own || self.given_up[alert] || taker[alert].is_some() {
                    continue;
                }
                taker[alert] = Some(next);
                seen.push(alert);
                match self.owner[alert] {
                    None => {
                        self.hand_on(alert, &taker, &gives);
                        return true;
                    }
                    Some(owner) if owner != expectation && gives[owner].is_none() => {
                        gives[owner] = Some(alert);
                        open.push_back(owner);
                    }
                    Some(_) => {}
                }
            }
        }
        seen.into_iter().for_each(|alert| self.given_up[alert] = true);
        false
    }

    /// Gives a free alert to whom it was found for, and what that one gives away to the next.
    fn hand_on(&mut self, free: usize, taker: &[Option<usize>], gives: &[Option<usize>]) {
        let mut alert = Some(free);
        while let Some(handed) = alert {
            let to = taker[handed];
            self.owner[handed] = to;
            alert = to.and_then(|to| gives[to]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_one_that_fits_two_goes_to_whom_it_is_needed() {
        // The first expectation could take either alert, the second only the first.
        assert_eq!(assign(&[1, 1], &[vec![0, 1], vec![0]], 2), [vec![1], vec![0]]);
    }

    #[test]
    fn a_count_takes_several() {
        assert_eq!(assign(&[2, 1], &[vec![0, 1, 2], vec![1]], 3), [vec![0, 2], vec![1]]);
        assert_eq!(assign(&[3], &[vec![0, 1]], 2), [vec![0, 1]]);
        assert_eq!(assign(&[0], &[vec![0]], 1), [Vec::<usize>::new()]);
    }

    /// The most that can be satisfied, found by trying everything.
    fn most(counts: &[usize], fits: &[Vec<usize>], used: u32, at: usize, taken: usize) -> usize {
        let Some(own) = fits.get(at) else { return 0 };
        let mut best = most(counts, fits, used, at + 1, 0);
        if taken < counts[at] {
            for alert in own.iter().filter(|alert| used & (1 << **alert) == 0) {
                best = best.max(1 + most(counts, fits, used | 1 << alert, at, taken + 1));
            }
        }
        best
    }

    proptest! {
        #[test]
        fn as_many_as_possible_are_satisfied(
            pairs in prop::collection::vec((0..4_usize, 0..5_usize), 0..14),
            counts in prop::collection::vec(0..3_usize, 4),
        ) {
            let mut fits = vec![Vec::new(); 4];
            for (expectation, alert) in pairs {
                if !fits[expectation].contains(&alert) {
                    fits[expectation].push(alert);
                }
            }
            let assigned = assign(&counts, &fits, 5);
            let mut used = std::collections::BTreeSet::new();
            for (expectation, alerts) in assigned.iter().enumerate() {
                prop_assert!(alerts.len() <= counts[expectation]);
                for alert in alerts {
                    prop_assert!(fits[expectation].contains(alert));
                    prop_assert!(used.insert(*alert), "one alert, one expectation");
                }
            }
            prop_assert_eq!(used.len(), most(&counts, &fits, 0, 0, 0));
        }
    }
}
