//! How a group of metrics is declared.

use super::Descriptor;

/// Metrics that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// What they are of.
    pub title: &'static str,
    /// More about that, for people.
    pub about: &'static str,
    /// What each is.
    pub metrics: &'static [Descriptor],
}

/// Declares a group of metrics that share a label (or none): a struct with a field for each, and its part of the
/// catalogue. What stands before it is its `about`.
macro_rules! group {
    (
        $(#[doc = $about:literal])*
        $title:literal: $group:ident by $label:literal {
            $( $field:ident: $kind:ty = $make:expr, $name:literal, $unit:literal, $help:literal; )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug)]
        pub struct $group {
            /// The value of the label that tells this group from its siblings.
            pub name: String,
            $(#[doc = $help] pub $field: $kind,)*
        }

        impl $group {
            /// What each metric is.
            pub const GROUP: $crate::telemetry::catalogue::Group = $crate::telemetry::catalogue::Group {
                title: $title,
                about: concat!($($about),*),
                metrics: &[
                    $($crate::telemetry::catalogue::Descriptor {
                        name: $name,
                        kind: <$kind as $crate::telemetry::metric::Metric>::KIND,
                        unit: $unit,
                        help: $help,
                    },)*
                ],
            };

            /// All numbers at 0.
            pub fn new(name: impl Into<String>) -> Self {
                $group { name: name.into(), $($field: $make,)* }
            }

            /// Gives every number with its labels.
            pub(in $crate::telemetry) fn visit(&self, visitor: &mut $crate::telemetry::catalogue::Visitor<'_>) {
                use $crate::telemetry::metric::{Label, Metric as _};
                let own = [($label, self.name.as_str())];
                let own = if $label.is_empty() { &own[..0] } else { &own[..] };
                let mut descriptors = Self::GROUP.metrics.iter();
                $(
                    let descriptor = descriptors.next().expect("every field has a descriptor");
                    self.$field.each(&mut |more, value| {
                        let labels: smallvec::SmallVec<[Label<'_>; 6]> =
                            own.iter().chain(more).copied().collect();
                        visitor(descriptor, &labels, value);
                    });
                )*
            }
        }
    };
}

pub(super) use group;
