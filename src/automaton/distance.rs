//! How far each state is from a match.

use super::Automaton;

impl Automaton {
    /// For each state, how many transitions lie between it and the nearest one that is accepting; a
    /// transition is an event taken or an absence that is over.
    pub fn distances(&self) -> Vec<u32> {
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.states.len()];
        for (from, state) in self.states.iter().enumerate() {
            for transition in &state.transitions {
                before[transition.target.0 as usize].push(from);
            }
        }
        let mut distances = vec![u32::MAX; self.states.len()];
        let accepting = self.states.iter().enumerate().filter(|(_, state)| state.accepting);
        let mut ring: Vec<usize> = accepting.map(|(index, _)| index).collect();
        let mut distance = 0;
        while !ring.is_empty() {
            ring.retain(|state| distances[*state] == u32::MAX);
            ring.iter().for_each(|state| distances[*state] = distance);
            ring = ring.iter().flat_map(|state| &before[*state]).copied().collect();
            distance += 1;
        }
        distances
    }
}
