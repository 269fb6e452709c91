//! `coalesce` and `if`: written like functions, but treated by the type checker, because they take
//! arguments of any type and do not evaluate all of them. Here is what the reference page says.

/// Something that is written like a function and is none.
#[derive(Debug)]
pub struct SpecialForm {
    /// Its name in rules.
    pub name: &'static str,
    /// The argument list and the type of the result, as the reference page shows them.
    pub signature: &'static str,
    /// What it yields.
    pub summary: &'static str,
    /// Expressions and their values, both as the language writes them.
    pub examples: &'static [(&'static str, &'static str)],
}

/// The special forms, in the order of the reference page.
pub static SPECIAL_FORMS: &[SpecialForm] = &[
    SpecialForm {
        name: "coalesce",
        signature: "(a, b, …) → the common type",
        summary: "The first argument that is not null; null if all are. With two arguments it is the same as \
                  `a ?? b`.",
        examples: &[("coalesce(null, 2, 3)", "2"), ("coalesce(sqrt(-1), 0.0)", "0.0")],
    },
    SpecialForm {
        name: "if",
        signature: "(condition bool, a, b) → the common type",
        summary: "`a` if the condition is true, `b` if it is false or null: as everywhere, a condition that is \
                  unknown does not hold.",
        examples: &[(r#"if(2 > 1, "more", "less")"#, r#""more""#), ("if(sqrt(-1) > 0, 1, 2)", "2")],
    },
];
