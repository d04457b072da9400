/** Names as an attacker would choose them. */

export const long = 'n'.repeat(65_536);

/** Names, and what the first line of the frame's title must read. */
export const ATTACKS: readonly (readonly [name: string, shown: string])[] = [
  ['<script>alert(1)</script>', '<script>alert(1)</script>'],
  ['</title><script>alert(2)</script>', '</title><script>alert(2)</script>'],
  ['</text></svg><img src=x onerror=alert(3)>', '</text></svg><img src=x onerror=alert(3)>'],
  ['"/><rect onload="alert(4)', '"/><rect onload="alert(4)'],
  ["'onmouseover='alert(5)", "'onmouseover='alert(5)"],
  [']]><script>alert(6)</script><![CDATA[', ']]><script>alert(6)</script><![CDATA['],
  ['<!--', '<!--'],
  ['<?xml-stylesheet href="http://evil.example/"?>', '<?xml-stylesheet href="http://evil.example/"?>'],
  [
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
  ],
  ['&lt;b&gt; &amp;#60; &undefined;', '&lt;b&gt; &amp;#60; &undefined;'],
  ['javascript:alert(7)', 'javascript:alert(7)'],
  ['</style><style>*{display:none}', '</style><style>*{display:none}'],
  [`\${alert(8)} {{y}} %s $& $1`, `\${alert(8)} {{y}} %s $& $1`],
  ['nul\0escape\x1b[31m', 'nul�escape�[31m'],
  ['not a character \ufffe\uffff', 'not a character ��'],
  ['half a pair \ud83d', 'half a pair �'],
  ['other half \ude00 more', 'other half � more'],
  ['first line\nself: 99.9 % of total\r\nthird\rcarriage\ttab', 'first line␤self: 99.9 % of total␤third␍carriage␉tab'],
  ['line\u2028paragraph\u2029next\u0085', 'line␤paragraph␤next␤'],
  ['safe_\u202eexe.cod', 'safe_‹U+202E›exe.cod'],
  ['\u2067isolate\u2069', '‹U+2067›isolate‹U+2069›'],
  ['zero\u200bwidth\ufeff', 'zero‹U+200B›width‹U+FEFF›'],
  [`combining${'\u0300'.repeat(300)}`, `combining${'\u0300'.repeat(300)}`],
  ['﷽﷽﷽﷽ 𒐫𒐫𒐫𒐫 ꧅꧅꧅꧅', '﷽﷽﷽﷽ 𒐫𒐫𒐫𒐫 ꧅꧅꧅꧅'],
  ['関数名 함수 函数 😀 👨\u200d👩\u200d👧', '関数名 함수 函数 😀 👨\u200d👩\u200d👧'],
  ['دالة שם', 'دالة שם'],
  ['', ''],
  [' leading and  double spaces ', ' leading and  double spaces '],
  ['constructor', 'constructor'],
  ['__proto__', '__proto__'],
  [`a${long}`, `a${'n'.repeat(399)}… (+65,137 characters)`],
  [`😀${'😀'.repeat(32_768)}`, `${'😀'.repeat(200)}… (+65,138 characters)`],
];
