/**
 * The grammar of FPL for editors: highlighting, folding, indentation, selections.
 *
 * It accepts a little more than the language has (a key that does not exist parses as a setting); saying
 * what is wrong is for `faramesh check`. Newlines mean nothing. A word with a meaning is one only where
 * that meaning can stand, so `path` is a clause after a tool, and a tool after `permit`.
 */

/// <reference types="tree-sitter-cli/dsl" />
// @ts-check

const EFFECTS = ['permit', 'allow', 'approve', 'defer', 'deny', 'block', 'reject'];
const CLAUSES = ['reason', 'notify', 'host', 'port', 'method', 'path', 'reeval', 'explain', 'approvals_required'];

/** Words that begin a statement of their own form and may still be the name of a setting. */
const FORMS = ['import', 'use', 'var', 'rules', 'rate_limit', 'redact', 'manifest', 'key', 'require'];

const BINDS = { or: 1, and: 2, not: 3, compare: 4, access: 6 };

/**
 * Zero or more, separated by commas, with one more at the end if you like.
 * @param {RuleOrLiteral} rule
 */
const list = rule => optional(seq(rule, repeat(seq(',', rule)), optional(',')));

module.exports = grammar({
  name: 'fpl',

  word: $ => $.identifier,

  extras: $ => [/[\s\uFEFF]/, $.comment, $.line_continuation],

  supertypes: $ => [$._statement, $._expression],

  rules: {
    source_file: $ => repeat($._item),

    _item: $ => choice($._statement, ';'),

    comment: _ => token(seq('#', /[^\n]*/)),

    line_continuation: _ => token(seq('\\', /[ \t]*\r?\n/)),

    _statement: $ => choice(
      $.import,
      $.use,
      $.variable,
      $.variables,
      $.rules,
      $.rule,
      $.rate_limit,
      $.redaction,
      $.trust_key,
      $.requirement,
      $.manifest,
      $.block,
      $.setting,
    ),

    // Statements with a form of their own.

    import: $ => seq('import', field('path', $.string), optional(seq('as', field('alias', $.identifier)))),

    use: $ => seq('use', field('alias', $.identifier), optional(field('body', $.body))),

    variable: $ => seq('var', field('name', $.identifier), optional('='), field('value', $._value)),

    variables: $ => seq('var', field('body', $.body)),

    rules: $ => seq('rules', field('body', $.rules_body)),

    rules_body: $ => seq('{', repeat(choice($.rule, ';')), '}'),

    rate_limit: $ => seq(
      'rate_limit',
      field('pattern', $._pattern),
      optional(':'),
      field('count', $.number),
      choice('per', '/'),
      field('period', choice($.identifier, $.duration, $.string)),
      repeat($.rate_option),
    ),

    rate_option: $ => seq(field('name', alias(choice('burst', 'scope'), $.identifier)), optional('='), field('value', $._value)),

    redaction: $ => seq(
      'redact',
      field('pattern', $._pattern),
      field('target', $.identifier),
      optional(choice(':', '=')),
      field('fields', choice($.list, $.string)),
      optional('seal'),
    ),

    trust_key: $ => seq(
      'key',
      field('owner', $.string),
      field('algorithm', $.identifier),
      ':',
      field('key', $.key_material),
    ),

    key_material: _ => /[A-Za-z0-9+\/=_-]+/,

    requirement: $ => seq('require', choice(
      field('condition', choice($.identifier, $.string)),
      seq('called', field('pattern', $._pattern)),
    )),

    manifest: $ => seq('manifest', choice(
      seq(
        'orchestrator',
        field('agent', $._name),
        optional(seq('undeclared', field('undeclared', choice($.identifier, $.effect)))),
      ),
      seq(
        'grant',
        field('from', $._name),
        'to',
        field('to', $._name),
        optional(seq('max', field('max', $.number))),
        optional('approval'),
      ),
    )),

    // Blocks and settings.

    block: $ => choice(
      seq(
        field('keyword', $.identifier),
        optional(choice(field('label', $.identifier), repeat1(field('label', $.string)))),
        field('body', $.body),
      ),
      seq(
        field('keyword', alias(choice('redact', 'rate_limit', 'manifest'), $.identifier)),
        optional(field('label', $.string)),
        field('body', $.body),
      ),
    ),

    body: $ => seq('{', repeat($._item), '}'),

    setting: $ => choice(
      seq(field('key', $.identifier), optional('='), field('value', $._value)),
      seq(field('key', alias(choice(...FORMS, ...EFFECTS), $.identifier)), '=', field('value', $._value)),
      // In `egress` and its like, `allow` and `deny` are keys.
      seq(field('key', alias(choice('allow', 'deny', 'block'), $.identifier)), field('value', $.list)),
      seq(field('key', alias('key', $.identifier)), field('value', $.call)),
    ),

    _name: $ => choice($.identifier, $.string),

    _value: $ => choice($._expression, alias(choice(...EFFECTS), $.identifier)),

    // Rules.

    rule: $ => prec.right(seq(
      field('effect', $.effect),
      field('pattern', $._pattern),
      optional(field('condition', $.condition)),
      repeat(field('clause', $.clause)),
    )),

    effect: _ => choice(...EFFECTS, 'deny!'),

    condition: $ => seq(choice('if', 'when'), $._expression),

    clause: $ => choice(
      seq(
        field('keyword', alias(choice(...CLAUSES), $.clause_keyword)),
        optional(choice(':', '=')),
        field('value', $._clause_value),
      ),
      seq(
        field('keyword', alias(choice('query', 'header'), $.clause_keyword)),
        field('key', $._name),
        choice('=', ':'),
        field('value', $._clause_value),
      ),
    ),

    _clause_value: $ => choice(
      $.string, $.number, $.boolean, $.identifier, $.list, $.call, $.member, $.pattern, $.glob,
    ),

    _pattern: $ => choice($.string, $.pattern, $.number, $.duration, $.size, alias($.identifier, $.pattern)),

    // Conditions and values.

    _expression: $ => choice(
      $.or, $.and, $.not, $.comparison,
      $.string, $.number, $.money, $.duration, $.size, $.boolean, $.null,
      $.list, $.identifier, $.member, $.index, $.call, $.group, $.pattern,
    ),

    or: $ => prec.left(BINDS.or, seq($._expression, choice('or', '||'), $._expression)),

    and: $ => prec.left(BINDS.and, seq($._expression, choice('and', '&&'), $._expression)),

    not: $ => prec(BINDS.not, seq(choice('not', '!'), $._expression)),

    comparison: $ => prec.left(BINDS.compare, seq(
      field('left', $._expression),
      field('operator', choice(
        '==', '!=', '<', '<=', '>', '>=', 'in', seq('not', 'in'), 'contains', 'matches',
      )),
      field('right', $._expression),
    )),

    member: $ => prec(BINDS.access, seq(field('value', $._expression), '.', field('name', $.identifier))),

    index: $ => prec(BINDS.access, seq(
      field('value', $._expression), '[', field('index', choice($.string, $.number)), ']',
    )),

    call: $ => prec(BINDS.access, seq(
      field('function', choice($.identifier, $.member)),
      field('arguments', $.arguments),
    )),

    arguments: $ => seq('(', list(choice($.named_argument, $._expression)), ')'),

    named_argument: $ => seq(field('name', $.identifier), '=', field('value', $._expression)),

    group: $ => seq('(', $._expression, ')'),

    list: $ => seq('[', list($._element), ']'),

    _element: $ => choice($._value, $.conditional),

    // A delegated tool with its condition: `stripe/refund if amount < 50`.
    conditional: $ => seq(field('pattern', $._value), $.condition),

    // Words and literals. Of two that match the same text, the first counts.

    boolean: _ => choice('true', 'false'),

    null: _ => 'null',

    identifier: _ => /[A-Za-z_][A-Za-z0-9_-]*/,

    number: _ => /-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?/,

    money: _ => /-?\$[0-9]+(\.[0-9]+)?/,

    duration: _ => /-?[0-9]+(\.[0-9]+)?(ms|s|m|h|d|w)/,

    size: _ => /-?[0-9]+(\.[0-9]+)?(kb|mb|gb)/,

    string: $ => seq(
      '"',
      repeat(choice(alias(token.immediate(prec(1, /[^"\\\n]+/)), $.string_content), $.escape)),
      token.immediate('"'),
    ),

    escape: _ => token.immediate(/\\(u\{[0-9A-Fa-f]{1,6}\}|[nt"\\])/),

    // A bare tool pattern with a sign in it, or one that begins with a digit.
    pattern: _ => token(choice(
      /[A-Za-z0-9_-]*[*\/][A-Za-z0-9_*\/-]*/,
      /[0-9]+[A-Za-z_-][A-Za-z0-9_-]*/,
    )),

    // Bare text of a clause: `*.example.com`, `/status/*`.
    glob: _ => /[A-Za-z0-9_*\/.@%+-][A-Za-z0-9_*\/.:@%+-]*/,
  },
});
