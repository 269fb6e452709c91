//! Who has got a mail already that others are to get later.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lettre::Address;

/// Mails that are remembered. What is forgotten comes twice at worst, with the same `Message-ID`.
const MOST: usize = 1_000;

/// Those who have got a mail, by the id of the alert.
#[derive(Debug, Default)]
pub struct Partly(Mutex<HashMap<String, Vec<Address>>>);

impl Partly {
    /// Those who have got the mail about this alert.
    pub fn of(&self, alert: &str) -> Vec<Address> {
        self.lock().get(alert).cloned().unwrap_or_default()
    }

    /// These have got the mail about this alert, and others have not.
    pub fn remember(&self, alert: &str, taken: Vec<Address>) {
        if taken.is_empty() {
            return;
        }
        let mut known = self.lock();
        // Of alerts that were given up, nobody says so here.
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(alert.to_owned(), taken);
    }

    /// There is nobody left to get the mail about this alert.
    pub fn forget(&self, alert: &str) {
        self.lock().remove(alert);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Address>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let partly = Partly::default();
        let address: Address = "desk@example.com".parse().expect("an address");
        for number in 0..10 * MOST {
            partly.remember(&number.to_string(), vec![address.clone()]);
        }
        assert!(partly.lock().len() <= MOST);
        let last = (10 * MOST - 1).to_string();
        assert_eq!(partly.of(&last), [address]);
        partly.forget(&last);
        assert_eq!(partly.of(&last), []);
    }
}
