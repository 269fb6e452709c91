//! Circles in a graph.

/// The strongly connected components of a graph (Tarjan, SIAM Journal on Computing 1(2), 1972).
pub struct Components {
    /// For each node its component; one that can be reached from another has a lower number.
    pub of: Vec<usize>,
    /// For each component whether it has a circle.
    pub circular: Vec<bool>,
}

/// The components of the graph in which `edges` lead from each node to others. The stack is of its own:
/// a chain of nodes may be long.
pub fn components(edges: &[Vec<usize>]) -> Components {
    const NONE: usize = usize::MAX;
    let (mut number, mut lowest) = (vec![NONE; edges.len()], vec![NONE; edges.len()]);
    let mut found = Components { of: vec![NONE; edges.len()], circular: Vec::new() };
    let (mut open, mut next_number) = (Vec::new(), 0);
    for start in 0..edges.len() {
        if number[start] != NONE {
            continue;
        }
        // A node and how many of its edges have been followed.
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((node, followed)) = path.last_mut() {
            let node = *node;
            if *followed == 0 {
                (number[node], lowest[node]) = (next_number, next_number);
                next_number += 1;
                open.push(node);
            }
            if let Some(&target) = edges[node].get(*followed) {
                *followed += 1;
                if number[target] == NONE {
                    path.push((target, 0));
                } else if found.of[target] == NONE {
                    lowest[node] = lowest[node].min(number[target]);
                }
                continue;
            }
            path.pop();
            if let Some((before, _)) = path.last() {
                lowest[*before] = lowest[*before].min(lowest[node]);
            }
            if lowest[node] == number[node] {
                let from = open.iter().rposition(|other| *other == node).unwrap_or(0);
                let members = open.split_off(from);
                members.iter().for_each(|member| found.of[*member] = found.circular.len());
                found.circular.push(members.len() > 1 || edges[node].contains(&node));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reached_comes_first_and_circles_are_one() {
        let found = components(&[vec![1], vec![2], vec![1, 3], vec![3], vec![]]);
        assert_eq!(found.of, [2, 1, 1, 0, 3]);
        assert_eq!(found.circular, [true, true, false, false]);
    }

    #[test]
    fn a_long_chain_takes_no_stack() {
        let edges: Vec<Vec<usize>> =
            (1..=200_000).map(|next| if next < 200_000 { vec![next] } else { vec![] }).collect();
        let found = components(&edges);
        assert_eq!((found.of[0], found.of[199_999], found.circular.len()), (199_999, 0, 200_000));
    }
}
