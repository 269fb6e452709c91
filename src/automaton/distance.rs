//! How far each state is from a match.

use super::State;

/// For each state, how many transitions lie between it and the nearest one that is accepting.
pub fn distances(states: &[State]) -> Vec<u32> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); states.len()];
    for (from, state) in states.iter().enumerate() {
        for transition in &state.transitions {
            before[transition.target.0 as usize].push(from);
        }
    }
    let mut distances = vec![u32::MAX; states.len()];
    let accepting = states.iter().enumerate().filter(|(_, state)| state.accepting);
    let mut ring: Vec<usize> = accepting.map(|(index, _)| index).collect();
    let mut distance = 0;
    while !ring.is_empty() {
        // Each state once, however many ways lead to it: there can be very many.
        ring.retain(|state| {
            let is_new = distances[*state] == u32::MAX;
            distances[*state] = distances[*state].min(distance);
            is_new
        });
        ring = ring.iter().flat_map(|state| &before[*state]).copied().collect();
        distance += 1;
    }
    distances
}

#[cfg(test)]
mod tests {
    use crate::automaton::StateId;
    use crate::diagnostic::Sources;
    use crate::program::Program;

    /// With 30 choices one after the other, a thousand million ways lead to a match.
    #[test]
    fn it_takes_as_long_as_there_are_transitions_however_many_ways_there_are() {
        let parts: String = (0..30).map(|part| format!("(e as e{part} or f as f{part}) then ")).collect();
        let text = format!(
            "stream s {{ n int }}\nrule many {{\n event e = s where n > 0\n event f = s where n < 0\n event g = s where n == 0\n \
             match g then {parts}g as last within 1h\n alert low \"x\" }}"
        );
        let (program, diagnostics) = Program::compile(&Sources::new([("rules.trip", text)]));
        let program = program.unwrap_or_else(|| panic!("{diagnostics:?}"));
        assert_eq!(program.compiled()[0].automaton.distance(StateId::START), 32);
    }
}
