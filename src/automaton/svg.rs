//! Graphs of automata as SVG: the boxes and arrows of [`super::graph`], laid out.

use layout::backends::svg::SVGWriter;
use layout::core::base::Orientation;
use layout::core::color::Color;
use layout::core::geometry::Point;
use layout::core::style::{LineStyleKind, StyleAttr};
use layout::std_shapes::shapes::{Arrow, Element, LineEndKind, ShapeKind};
use layout::topo::layout::VisualGraph;

use super::graph::Graph;

/// The pictures of several rules as one SVG document.
pub fn svg(graphs: &[Graph]) -> String {
    let mut picture = VisualGraph::new(Orientation::LeftToRight);
    for graph in graphs {
        let title = picture.add_node(element(&graph.title().join("\n"), Look::Title));
        let nodes: Vec<_> = graph
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| {
                let look = match (index, node.accepting) {
                    (0, _) => Look::Start,
                    (_, true) => Look::Accepting,
                    _ => Look::State,
                };
                picture.add_node(element(&node.label, look))
            })
            .collect();
        if let Some(start) = nodes.first() {
            picture.add_edge(arrow("", true, LineEndKind::None), title, *start);
        }
        for edge in &graph.edges {
            picture.add_edge(
                arrow(&edge.label, edge.dashed, LineEndKind::Arrow),
                nodes[edge.from],
                nodes[edge.to],
            );
        }
    }
    let mut writer = SVGWriter::new();
    picture.do_it(false, false, false, &mut writer);
    writer.finalize()
}

/// How a box looks in SVG.
#[derive(Clone, Copy)]
enum Look {
    Title,
    Start,
    State,
    Accepting,
}

fn element(label: &str, look: Look) -> Element {
    let (fill, line, width) = match look {
        Look::Title => ("#00000000", "#00000000", 0),
        Look::Start => ("#eeeeeeff", "#555555ff", 1),
        Look::State => ("#e8f0feff", "#3367d6ff", 1),
        Look::Accepting => ("#e6f4eaff", "#137333ff", 3),
    };
    let style = StyleAttr::new(Color::fast(line), width, Some(Color::fast(fill)), 6, 15);
    // The width of a letter is a guess that suits the fonts browsers choose.
    let longest = label.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    let size = Point::new(24.0 + 9.0 * longest as f64, 18.0 + 18.0 * label.lines().count() as f64);
    Element::create(ShapeKind::new_box(label), style, Orientation::LeftToRight, size)
}

fn arrow(label: &str, dashed: bool, end: LineEndKind) -> Arrow {
    let line = if dashed { LineStyleKind::Dashed } else { LineStyleKind::Normal };
    let style = StyleAttr::new(Color::fast("#444444ff"), 1, None, 0, 13);
    Arrow::new(LineEndKind::None, end, line, label, &style, &None, &None)
}
