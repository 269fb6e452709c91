; Events and parameters belong to their rule or definition.

(rule_declaration) @local.scope
(def_declaration) @local.scope

(event_clause name: (identifier) @local.definition.var)
(event name: (identifier) @local.definition.var)
(parameter name: (identifier) @local.definition.parameter)

(event event: (identifier) @local.reference)
(until event: (identifier) @local.reference)
(absence event: (identifier) @local.reference)
(timeout_clause event: (identifier) @local.reference)
(overlap_clause event: (identifier) @local.reference)

; What stands alone in an expression, not behind a dot.
(binary_expression (identifier) @local.reference)
(unary_expression (identifier) @local.reference)
(membership_expression (identifier) @local.reference)
(presence_expression (identifier) @local.reference)
(field_expression value: (identifier) @local.reference)
(index_expression (identifier) @local.reference)
(arguments (identifier) @local.reference)
(values (identifier) @local.reference)
(parenthesized_expression (identifier) @local.reference)
(interpolation (identifier) @local.reference)
(alert_field value: (identifier) @local.reference)
