//! Requests by what was asked and how it was answered.

use super::{Counter, Kind, Label, Metric, Value};

/// What is asked: a method and the template of a path.
pub type Route = (&'static str, &'static str);

/// The classes of statuses, in the order shown.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// Where requests are counted that fit no route.
const OTHER: Route = ("other", "other");

/// Requests by route and class of the status. All routes are known beforehand: so each class is there from the start,
/// at 0.
#[derive(Debug)]
pub struct Requests(Vec<(Route, [Counter; CLASSES.len()])>);

impl Requests {
    /// Counters for each of `routes`, and for what fits none.
    pub fn new(routes: impl IntoIterator<Item = Route>) -> Requests {
        let all = routes.into_iter().chain([OTHER]);
        Requests(all.map(|route| (route, Default::default())).collect())
    }

    /// One was answered with that status. Where there is no such route it counts as one that fits none.
    pub fn answered(&self, method: &str, path: &str, status: u16) {
        let found = self.0.iter().find(|(route, _)| *route == (method, path)).or(self.0.last());
        let class = usize::from(status / 100).wrapping_sub(1);
        if let Some(counter) = found.and_then(|(_, classes)| classes.get(class)) {
            counter.add(1);
        }
    }
}

impl Default for Requests {
    /// Without routes.
    fn default() -> Requests {
        Requests::new([])
    }
}

impl Metric for Requests {
    const KIND: Kind = Kind::Counter;

    fn each(&self, give: &mut dyn FnMut(&[Label<'_>], Value<'_>)) {
        for ((method, path), classes) in &self.0 {
            for (class, counter) in CLASSES.iter().zip(classes) {
                give(&[("method", method), ("route", path), ("status", class)], Value::of(counter.get()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_and_class_and_what_fits_no_route_apart() {
        let requests = Requests::new([("GET", "/a/{name}"), ("POST", "/a/{name}")]);
        requests.answered("GET", "/a/{name}", 200);
        requests.answered("GET", "/a/{name}", 204);
        requests.answered("POST", "/a/{name}", 503);
        requests.answered("GET", "/a/secret", 404);
        requests.answered("GET", "/a/{name}", 99);
        requests.answered("GET", "/a/{name}", 600);
        let mut shown = Vec::new();
        requests.each(&mut |labels, value| {
            let Value::Number(count) = value else { panic!("a number") };
            let values: Vec<&str> = labels.iter().map(|(_, value)| *value).collect();
            shown.push(format!("{} {count}", values.join(" ")));
        });
        assert_eq!(shown.len(), 3 * CLASSES.len());
        shown.retain(|line| !line.ends_with(" 0"));
        assert_eq!(shown, ["GET /a/{name} 2xx 2", "POST /a/{name} 5xx 1", "other other 4xx 1"]);
    }
}
