/**
 * @file The rule language of Tripline, for editors.
 * @license Apache-2.0
 *
 * The language as the service reads it is written down in `../tripline.ebnf`. This grammar accepts
 * all of it and a little more, since an editor shows rules that are being written: line ends are
 * space everywhere, names are not told from reserved words, and a text inside the braces of a title
 * (`\"text\"`) may stand in any expression. Two things it does not know: escapes such as `\n` between
 * the operands of an expression in a title, and a name that is a word of the language where that word
 * could stand as well, such as an event called `match` in `3+ lazy match`.
 */

/// <reference types="tree-sitter-cli/dsl" />
// @ts-check

const LEVEL = {
  or: 1,
  and: 2,
  not: 3,
  comparison: 4,
  default: 5,
  sum: 6,
  product: 7,
  minus: 8,
  part: 9,
};

const TYPES = ['bool', 'int', 'float', 'string', 'timestamp', 'duration', 'ip'];

const DIGITS = /[0-9](_?[0-9])*/;

/** One or more, with commas between them. */
const list = item => seq(item, repeat(seq(',', item)));

/** What stands in braces, line by line or with commas. */
const block = item => seq('{', repeat(seq(item, optional(','))), '}');

export default grammar({
  name: 'tripline',

  word: $ => $.identifier,

  extras: $ => [
    /[\s\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/,
    $.comment,
  ],

  supertypes: $ => [$.expression],

  inline: $ => [$._declaration, $._clause, $._event_name],

  conflicts: $ => [
    // `from` leads to the path of a field, or begins the next field.
    [$._field_type],
  ],

  rules: {
    source_file: $ => repeat($._declaration),

    comment: _ => token(seq('#', /[^\n]*/)),

    _declaration: $ => choice(
      $.stream_declaration,
      $.list_declaration,
      $.table_declaration,
      $.let_declaration,
      $.def_declaration,
      $.rule_declaration,
      $.test_declaration,
    ),

    // Streams, lists, tables, constants and definitions

    stream_declaration: $ => seq(
      'stream',
      field('name', $.identifier),
      choice(
        seq(repeat(choice($.time_clause, $.late_clause, $.idle_clause)), field('body', $.fields)),
        seq('from', field('rule', $.identifier)),
      ),
    ),

    time_clause: $ => seq('time', choice('arrival', field('field', $.identifier))),

    late_clause: $ => seq('late', $.duration),

    idle_clause: $ => seq('idle', $.duration),

    fields: $ => block($.field),

    field: $ => seq(field('name', $._field_name), $._field_type),

    _field_type: $ => seq(
      field('type', $.type),
      optional('?'),
      optional(seq('from', field('path', $.string))),
    ),

    // Behind a type, `from` may begin the next field.
    _field_name: $ => choice($.identifier, alias('from', $.identifier)),

    type: $ => choice(
      ...TYPES,
      seq('timestamp', seq('(', field('unit', choice('s', 'ms', 'us', 'ns')), ')')),
    ),

    list_declaration: $ => seq(
      'list',
      field('name', $.identifier),
      field('type', $.type),
      'from',
      field('file', $.string),
    ),

    table_declaration: $ => seq(
      'table',
      field('name', $.identifier),
      'from',
      field('file', $.string),
      field('body', $.columns),
    ),

    columns: $ => block($.column),

    // `key string` is a column called `key`; `key id string` and `key ip ip` mark what comes next.
    column: $ => choice(
      seq(optional('key'), $.field),
      alias($._field_called_key, $.field),
      seq('key', alias($._field_called_like_type, $.field)),
    ),

    _field_called_key: $ => seq(field('name', alias('key', $.identifier)), $._field_type),

    _field_called_like_type: $ => seq(
      field('name', choice(...TYPES.map(name => alias(name, $.identifier)))),
      $._field_type,
    ),

    let_declaration: $ => seq(
      'let',
      field('name', $.identifier),
      '=',
      field('value', $.expression),
    ),

    def_declaration: $ => seq(
      'def',
      field('name', $.identifier),
      field('parameters', $.parameters),
      '=',
      field('body', $.expression),
    ),

    parameters: $ => seq('(', optional(list($.parameter)), ')'),

    parameter: $ => seq(field('name', $.identifier), field('type', $.type)),

    // Rules

    rule_declaration: $ => seq('rule', field('name', $.identifier), field('body', $.clauses)),

    clauses: $ => seq('{', repeat($._clause), '}'),

    _clause: $ => choice(
      $.about_clause,
      $.runbook_clause,
      $.tags_clause,
      $.by_clause,
      $.event_clause,
      $.match_clause,
      $.overlap_clause,
      $.alert_clause,
      $.timeout_clause,
      $.to_clause,
      $.limit_clause,
      $.max_clause,
      $.mode_clause,
    ),

    about_clause: $ => seq('about', $.string),

    runbook_clause: $ => seq('runbook', $.string),

    tags_clause: $ => seq('tags', list($.identifier)),

    by_clause: $ => seq('by', list($.key_part)),

    key_part: $ => seq($.key_field, repeat(seq('=', $.key_field))),

    key_field: $ => choice(
      field('field', $.identifier),
      seq(field('stream', $.identifier), '.', field('field', $.identifier)),
    ),

    event_clause: $ => seq(
      'event',
      field('name', $.identifier),
      '=',
      field('stream', $.identifier),
      optional(seq('where', field('condition', $.expression))),
    ),

    match_clause: $ => seq('match', field('pattern', $.sequence), optional($.within)),

    overlap_clause: $ => seq('overlap', choice(
      'none',
      seq('per', 'start'),
      'all',
      seq('resume', 'at', choice('first', 'last'), field('event', $.identifier)),
    )),

    alert_clause: $ => seq(
      'alert',
      field('severity', $.identifier),
      field('title', $.title),
      optional(field('fields', $.alert_fields)),
    ),

    alert_fields: $ => block($.alert_field),

    alert_field: $ => seq(field('name', $.identifier), '=', field('value', $.expression)),

    timeout_clause: $ => seq(
      'on',
      'timeout',
      optional(seq('after', field('event', $.identifier))),
      $.alert_clause,
    ),

    to_clause: $ => seq('to', list($.identifier)),

    limit_clause: $ => seq(
      'limit',
      $.integer,
      'per',
      $.duration,
      optional(seq('for', 'each', list($.expression))),
    ),

    max_clause: $ => seq('max', choice('runs', 'events'), $.integer),

    mode_clause: $ => seq('mode', $.identifier),

    // Patterns

    sequence: $ => seq($._element, repeat(choice($.step, $.absence))),

    step: $ => seq($.link, $._element),

    link: $ => seq(choice(seq('then', optional('any')), 'next'), optional($.within)),

    absence: $ => choice(
      seq('then', 'not', field('event', $.identifier), optional(seq('for', $.duration))),
      seq('next', 'not', field('event', $.identifier)),
    ),

    within: $ => seq('within', $.duration),

    _element: $ => choice(
      seq($._atom, optional($.until)),
      $.repetition,
    ),

    repetition: $ => prec.right(seq(
      choice('optional', seq($.count, repeat($.modifier))),
      choice($._atom, $.repetition),
      optional($.until),
    )),

    count: $ => choice(
      $.integer,
      seq($.integer, '+'),
      seq($.integer, '..', $.integer),
    ),

    modifier: _ => choice('lazy', 'consecutive', 'any'),

    until: $ => seq('until', field('event', $.identifier)),

    _atom: $ => choice($.event, $.group),

    event: $ => seq(field('event', $._event_name), optional(seq('as', field('name', $.identifier)))),

    // Behind a count, these may be modifiers.
    _event_name: $ => choice(
      $.identifier,
      alias('lazy', $.identifier),
      alias('consecutive', $.identifier),
    ),

    group: $ => seq(
      '(',
      $.sequence,
      choice(repeat(seq('or', $.sequence)), repeat1(seq('and', $.sequence))),
      optional($.within),
      ')',
    ),

    // Expressions

    expression: $ => choice(
      $.binary_expression,
      $.unary_expression,
      $.membership_expression,
      $.presence_expression,
      $.field_expression,
      $.index_expression,
      $.call_expression,
      $.parenthesized_expression,
      $.identifier,
      $.integer,
      $.float,
      $.duration,
      $.string,
      $.escaped_string,
      $.boolean,
      $.null,
    ),

    binary_expression: $ => choice(
      ...[
        ['or', LEVEL.or],
        ['and', LEVEL.and],
        ['==', LEVEL.comparison],
        ['!=', LEVEL.comparison],
        ['<', LEVEL.comparison],
        ['<=', LEVEL.comparison],
        ['>', LEVEL.comparison],
        ['>=', LEVEL.comparison],
        ['like', LEVEL.comparison],
        ['matches', LEVEL.comparison],
        ['??', LEVEL.default],
        ['+', LEVEL.sum],
        ['-', LEVEL.sum],
        ['*', LEVEL.product],
        ['/', LEVEL.product],
        ['%', LEVEL.product],
      ].map(([operator, level]) => prec.left(level, seq(
        field('left', $.expression),
        field('operator', operator),
        field('right', $.expression),
      ))),
    ),

    unary_expression: $ => choice(
      prec(LEVEL.not, seq(field('operator', 'not'), $.expression)),
      prec(LEVEL.minus, seq(field('operator', '-'), $.expression)),
    ),

    membership_expression: $ => prec.left(LEVEL.comparison, seq(
      field('value', $.expression),
      optional('not'),
      'in',
      field('set', choice($.values, $.expression)),
    )),

    // Behind `in`, parentheses always hold values, also a single one.
    values: $ => prec(1, seq('(', list($.expression), ')')),

    presence_expression: $ => prec.left(LEVEL.comparison, seq(
      field('value', $.expression),
      'is',
      choice('missing', 'present'),
    )),

    field_expression: $ => prec(LEVEL.part, seq(
      field('value', $.expression),
      '.',
      field('field', $.identifier),
    )),

    index_expression: $ => prec(LEVEL.part, seq(
      field('value', $.expression),
      '[',
      list($.expression),
      ']',
    )),

    call_expression: $ => prec.right(LEVEL.part, seq(
      field('function', $.identifier),
      field('arguments', $.arguments),
      optional($.history),
    )),

    arguments: $ => seq(
      '(',
      optional(seq(list($.expression), optional(seq('where', field('condition', $.expression))))),
      ')',
    ),

    history: $ => seq('over', optional('previous'), $.duration),

    parenthesized_expression: $ => seq('(', $.expression, ')'),

    // Tests

    test_declaration: $ => seq(
      'test',
      field('name', $.string),
      optional(seq('from', field('time', $.string))),
      field('body', $.test_lines),
    ),

    test_lines: $ => seq('{', repeat(choice($.test_event, $.expectation, 'restart', 'stop')), '}'),

    test_event: $ => seq('at', $.duration, field('stream', $.identifier), field('fields', $.event_values)),

    event_values: $ => block($.event_value),

    event_value: $ => seq(field('name', $.identifier), ':', field('value', $.expression)),

    expectation: $ => seq('expect', choice(
      seq('nothing', optional('else')),
      seq('late', $.integer),
      seq(
        field('rule', choice($.identifier, alias('late', $.identifier))),
        optional(choice(seq($.times, optional('timeout')), seq('timeout', optional($.times)))),
        optional(field('values', $.alert_values)),
      ),
    )),

    times: $ => seq(choice('×', 'x'), $.integer),

    alert_values: $ => block($.alert_value),

    alert_value: $ => seq(field('path', $.path), ':', field('value', $.expression)),

    path: $ => seq($.identifier, repeat(choice(seq('.', $.identifier), seq('[', $.integer, ']')))),

    // Tokens

    identifier: _ => /[A-Za-z_][A-Za-z0-9_]*/,

    integer: _ => token(DIGITS),

    float: _ => token(seq(DIGITS, '.', DIGITS)),

    duration: _ => {
      const part = unit => seq(DIGITS, unit);
      const units = ['d', 'h', 'm', 's', 'ms'];
      const from = index => choice(...units.slice(index).map((unit, offset) => {
        const next = index + offset + 1;
        return next < units.length ? seq(part(unit), optional(from(next))) : part(unit);
      }));
      return token(from(0));
    },

    boolean: _ => choice('true', 'false'),

    null: _ => 'null',

    string: $ => seq(
      '"',
      repeat(choice(
        alias(token.immediate(prec(1, /[^"\\\n]+/)), $.string_content),
        $.escape_sequence,
      )),
      token.immediate('"'),
    ),

    escape_sequence: _ => token.immediate(/\\(["\\nt]|u\{[0-9A-Fa-f]{1,6}\})/),

    // A title: `{card}` is an expression, `{{` and `}}` are braces.
    title: $ => seq(
      '"',
      repeat(choice(
        alias(token.immediate(prec(1, /[^"\\{}\n]+/)), $.string_content),
        $.escape_sequence,
        $.escaped_brace,
        $.interpolation,
      )),
      token.immediate('"'),
    ),

    escaped_brace: _ => token.immediate(choice('{{', '}}')),

    interpolation: $ => seq(token.immediate('{'), $.expression, '}'),

    // A text inside of a title, whose quotes and escapes are escaped once more.
    escaped_string: $ => seq(
      '\\"',
      repeat(choice(
        alias(token.immediate(prec(1, /[^"\\\n]+/)), $.string_content),
        alias(
          token.immediate(/\\(\\(\\["\\]|[nt]|u\{[0-9A-Fa-f]{1,6}\})|[nt]|u\{[0-9A-Fa-f]{1,6}\})/),
          $.escape_sequence,
        ),
      )),
      token.immediate('\\"'),
    ),
  },
});
