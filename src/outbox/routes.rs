//! Which sinks an alert goes to.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tracing::warn;

use crate::alert::Alert;

/// How many unknown names are remembered, so that each is said once.
const COMPLAINTS: usize = 100;

/// The sinks that there are, and those that get what is meant for none of them.
#[derive(Debug, Default)]
pub struct Routes {
    names: Vec<String>,
    by_name: BTreeMap<String, usize>,
    /// Where alerts go whose rule names no sink.
    default: Vec<usize>,
    complaints: Mutex<Vec<String>>,
}

impl Routes {
    /// The ways to these sinks. Alerts whose rule names none go to `default`, which are some of them.
    pub fn new(names: impl IntoIterator<Item = String>, default: &[String]) -> Routes {
        let names: Vec<String> = names.into_iter().collect();
        let by_name: BTreeMap<_, _> =
            names.iter().enumerate().map(|(place, name)| (name.clone(), place)).collect();
        let default = default.iter().filter_map(|name| by_name.get(name).copied()).collect();
        Routes { names, by_name, default, complaints: Mutex::default() }
    }

    /// The names of the sinks that an alert goes to.
    pub fn of(&self, alert: &Alert) -> impl Iterator<Item = &str> {
        self.places(alert).into_iter().map(|place| &*self.names[place])
    }

    /// Their places among the sinks.
    ///
    /// The configuration has been checked to have every sink that a rule names. An alert that waited
    /// over a restart may still name one that is gone: then it goes to the others that it names, or,
    /// if there are none, to the default.
    pub(super) fn places(&self, alert: &Alert) -> Vec<usize> {
        let mut places = Vec::with_capacity(alert.sinks.len());
        for name in alert.sinks.iter() {
            match self.by_name.get(name) {
                Some(place) => places.push(*place),
                None => self.complain(name, alert),
            }
        }
        if places.is_empty() { self.default.clone() } else { places }
    }

    fn complain(&self, name: &str, alert: &Alert) {
        let mut complaints = self.complaints.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if complaints.len() < COMPLAINTS && !complaints.iter().any(|known| known == name) {
            complaints.push(name.to_owned());
            warn!(sink = %name, rule = %alert.rule, alert = %alert.id, "an alert was meant for a sink that is not configured any more; it goes to the other sinks of its rule, or to the default");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::memory::tests::alert;

    #[test]
    fn an_alert_goes_to_the_sinks_of_its_rule_or_to_the_default() {
        let routes = Routes::new(["a", "b", "c"].map(String::from), &["c".into(), "a".into()]);
        let names = |sinks: &[&str]| routes.of(&alert("1", sinks)).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(names(&["b", "a"]), ["b", "a"]);
        assert_eq!(names(&[]), ["c", "a"]);
        assert_eq!(names(&["gone", "b"]), ["b"]);
        assert_eq!(names(&["gone"]), ["c", "a"]);
        assert_eq!(*routes.complaints.lock().expect("nobody else"), ["gone"]);
    }
}
