//! Names that use each other: an order in which each stands after those it uses, and the circles.

use std::collections::BTreeMap;

/// How names depend on each other.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Dependencies<'t> {
    /// All names, each after those it uses, as far as no circle prevents it.
    pub order: Vec<&'t str>,
    /// The names that use each other in circles: each list holds those of which every one uses every
    /// other, directly or not.
    pub circles: Vec<Vec<&'t str>>,
}

/// A name whose uses are being followed.
struct Visit<'t> {
    name: &'t str,
    /// The least number among the open names that can be reached from it.
    lowest: usize,
    /// The names that it uses and that have not been followed.
    uses: Vec<&'t str>,
    uses_itself: bool,
}

/// Orders names by what `uses` says that each uses, which must be among them: the strongly connected
/// components (Tarjan, SIAM Journal on Computing 1(2), 1972). An explicit stack, because a chain may
/// be as long as the file.
pub(super) fn order<'t>(
    names: impl IntoIterator<Item = &'t str>,
    uses: impl Fn(&'t str) -> Vec<&'t str>,
) -> Dependencies<'t> {
    /// The number of a name that is settled: it belongs to no circle that is still open.
    const SETTLED: usize = usize::MAX;
    let mut found = Dependencies::default();
    let mut numbers: BTreeMap<&'t str, usize> = BTreeMap::new();
    // The names that may still belong to a circle, as they were found.
    let mut open: Vec<&'t str> = Vec::new();
    for start in names {
        let mut path: Vec<Visit<'t>> = Vec::new();
        let mut next = Some(start);
        loop {
            if let Some(name) = next.take() {
                let count = numbers.len();
                let number = *numbers.entry(name).or_insert(count);
                if number == count {
                    open.push(name);
                    path.push(Visit { name, lowest: number, uses: uses(name), uses_itself: false });
                } else if let Some(user) = path.last_mut() {
                    user.lowest = user.lowest.min(number);
                    user.uses_itself |= user.name == name;
                }
            }
            let Some(visit) = path.last_mut() else { break };
            next = visit.uses.pop();
            if next.is_some() {
                continue;
            }
            let Some(Visit { name, lowest, uses_itself, .. }) = path.pop() else { break };
            found.order.push(name);
            if let Some(user) = path.last_mut() {
                user.lowest = user.lowest.min(lowest);
            }
            if lowest == numbers[name] {
                let from = open.iter().rposition(|open| *open == name).unwrap_or(0);
                let component = open.split_off(from);
                numbers.extend(component.iter().map(|name| (*name, SETTLED)));
                if uses_itself || component.len() > 1 {
                    found.circles.push(component);
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_stands_after_what_it_uses_and_circles_are_found() {
        let uses = |name: &str| match name {
            "a" => vec!["b", "c"],
            "b" => vec!["c"],
            "d" => vec!["d"],
            "e" => vec!["f", "a"],
            "f" => vec!["g"],
            "g" => vec!["e"],
            _ => Vec::new(),
        };
        let found = order(["a", "b", "c", "d", "e", "f", "g"], uses);
        assert_eq!(found.order, ["c", "b", "a", "d", "g", "f", "e"]);
        assert_eq!(found.circles, [vec!["d"], vec!["e", "f", "g"]]);
    }

    #[test]
    fn a_chain_may_be_long() {
        let names: Vec<String> = (0..100_000).map(|number| format!("{number:06}")).collect();
        let next = |name: &str| -> Vec<&str> {
            let number: usize = name.parse().expect("a number");
            names.get(number + 1).map(String::as_str).into_iter().collect()
        };
        let found = order(names.iter().map(String::as_str), next);
        assert_eq!((found.order.len(), found.order[0]), (100_000, "099999"));
    }
}
