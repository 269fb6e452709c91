; Made from ../../../tree-sitter-tripline/queries/highlights.scm by scripts/test-tree-sitter.
; What stands last counts where several fit.

(comment) @comment

; Names

(identifier) @variable

(stream_declaration name: (identifier) @type)
(stream_declaration rule: (identifier) @namespace)
(event_clause stream: (identifier) @type)
(key_field stream: (identifier) @type)
(test_event stream: (identifier) @type)

(rule_declaration name: (identifier) @namespace)
(expectation rule: (identifier) @namespace)

(list_declaration name: (identifier) @constant)
(table_declaration name: (identifier) @constant)
(let_declaration name: (identifier) @constant)

(def_declaration name: (identifier) @function)
(parameter name: (identifier) @variable.parameter)

(field name: (identifier) @variable.other.member)
(time_clause field: (identifier) @variable.other.member)
(key_field field: (identifier) @variable.other.member)
(field_expression field: (identifier) @variable.other.member)
(alert_field name: (identifier) @variable.other.member)
(event_value name: (identifier) @variable.other.member)
(path (identifier) @variable.other.member)

(tags_clause (identifier) @label)
(to_clause (identifier) @label)

(alert_clause severity: (identifier) @constant.builtin)
(mode_clause (identifier) @constant.builtin)

((identifier) @variable.builtin
  (#eq? @variable.builtin "this"))

(call_expression function: (identifier) @function)

((call_expression function: (identifier) @function.builtin)
  (#any-of? @function.builtin
    "lower" "upper" "trim" "length" "contains" "starts_with" "ends_with"
    "abs" "round" "floor" "ceil" "sqrt" "ln" "log10" "pow" "min" "max"
    "hour" "weekday" "date" "seconds" "minutes" "hours" "distance_km" "coalesce" "if"
    "count" "sum" "avg" "stddev" "count_distinct" "first" "last"))

; Literals

(integer) @constant.numeric
(float) @constant.numeric.float
(duration) @constant.numeric
(boolean) @constant.builtin.boolean
(null) @constant.builtin
(type) @type.builtin
(type unit: _ @type.builtin)

(string) @string
(title) @string
(escaped_string) @string
(escape_sequence) @constant.character.escape
(escaped_brace) @constant.character.escape
(runbook_clause (string) @string.special.url)
(field path: (string) @string.special.path)
(list_declaration file: (string) @string.special.path)
(table_declaration file: (string) @string.special.path)
(binary_expression operator: "matches" right: (string) @string.regexp)

(interpolation ["{" "}"] @punctuation.special)

; Words

[
  "stream" "list" "table" "let" "def" "rule" "test"
] @keyword

[
  "time" "arrival" "late" "idle" "from" "key"
  "about" "runbook" "tags" "by" "event" "match" "overlap" "alert" "on" "timeout" "after" "to"
  "limit" "per" "for" "each" "max" "runs" "events" "mode"
  "none" "start" "all" "resume" "first" "last"
  "where" "over" "previous"
  "then" "next" "any" "until" "within" "as" "optional" "lazy" "consecutive"
  "at" "expect" "restart" "stop" "nothing" "else" "x" "×"
] @keyword

["or" "and" "not" "in" "like" "matches" "is" "missing" "present"] @keyword.operator

; In patterns these are no operators.
(group ["or" "and"] @keyword)
(absence "not" @keyword)

; Signs

(binary_expression
  operator: ["==" "!=" "<" "<=" ">" ">=" "??" "+" "-" "*" "/" "%"] @operator)
(unary_expression operator: "-" @operator)
(count ["+" ".."] @operator)
["=" "?"] @operator

["," "." ":"] @punctuation.delimiter
["(" ")" "[" "]"] @punctuation.bracket
(fields ["{" "}"] @punctuation.bracket)
(columns ["{" "}"] @punctuation.bracket)
(clauses ["{" "}"] @punctuation.bracket)
(alert_fields ["{" "}"] @punctuation.bracket)
(test_lines ["{" "}"] @punctuation.bracket)
(event_values ["{" "}"] @punctuation.bracket)
(alert_values ["{" "}"] @punctuation.bracket)
