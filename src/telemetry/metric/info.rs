//! What something is, as labels of a number that is always 1.

use std::sync::{Mutex, PoisonError};

use super::{Kind, Label, Metric, Value};

/// Texts that tell what something is: others are joined with them by the labels that they share.
#[derive(Debug, Default)]
pub struct Info(Mutex<Vec<(&'static str, String)>>);

impl Info {
    /// Of these texts.
    pub fn new<const N: usize>(labels: [(&'static str, &str); N]) -> Info {
        let info = Info::default();
        info.set(labels);
        info
    }

    /// It is this from now on.
    pub fn set<const N: usize>(&self, labels: [(&'static str, &str); N]) {
        *self.lock() = labels.map(|(label, text)| (label, text.to_owned())).into();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(&'static str, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Metric for Info {
    const KIND: Kind = Kind::Gauge;

    /// Nothing is given as long as nothing is known.
    fn each(&self, give: &mut dyn FnMut(&[Label<'_>], Value<'_>)) {
        let labels = self.lock();
        let labels: Vec<Label<'_>> = labels.iter().map(|(label, text)| (*label, text.as_str())).collect();
        if !labels.is_empty() {
            give(&labels, Value::Number(1.0));
        }
    }
}
