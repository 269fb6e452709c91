[
  (fields)
  (columns)
  (clauses)
  (alert_fields)
  (test_lines)
  (event_values)
  (alert_values)
  (parameters)
  (arguments)
  (values)
  (group)
  (parenthesized_expression)
  (event_clause)
  (match_clause)
  (by_clause)
] @indent

["}" ")" "]"] @outdent
