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
] @indent.begin

; What goes on at the next line.
[
  (event_clause)
  (match_clause)
  (by_clause)
] @indent.begin

["}" ")" "]"] @indent.branch @indent.end

[(string) (title) (comment)] @indent.ignore
