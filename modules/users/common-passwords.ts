// The passwords that are tried first, lower-cased; those shorter than 8 characters are refused anyway.

export const commonPasswords: ReadonlySet<string> = new Set(
  `
  password password1 password12 password123 password1234 password! passw0rd p@ssword p@ssw0rd pa55word passwort
  mypassword changeme changeme1 changeme123 letmein1 letmein123 welcome1 welcome12 welcome123 admin123 admin1234
  administrator adminadmin rootroot testtest test1234 user1234 guest123 default1 secret123 iloveyou iloveyou1 ilovegod
  12341234 123123123 1234554321 12344321 123321123 123456789a a123456789 12345678a abcd1234 abc12345 abcdabcd a1b2c3d4
  1234567890 0987654321 0123456789 11223344 112233445566 11112222 12121212 87654321 69696969 88888888 147258369
  159753456 789456123 987654321 741852963 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qazxsw2 zaq12wsx q1w2e3r4 q1w2e3r4t5
  qwertyui qwertyuiop qwerty12 qwerty123 qwerty1234 qwertyqwerty qwer1234 asdfghjk asdfghjkl asdfasdf asdf1234
  zxcvbnm1 zxcvbnm123 1234qwer qazwsxedc azertyui azertyuiop
  sunshine sunshine1 princess princess1 football football1 baseball baseball1 basketball superman superman1 batman123
  starwars pokemon1 pokemon123 dragon123 monkey123 master123 shadow123 michael1 michelle jennifer jessica1 charlie1
  computer internet samsung1 trustno1 whatever midnight butterfly chocolate liverpool liverpool1 arsenal1 chelsea1
  blink182 corvette mercedes victoria elizabeth alexander christian danielle einstein startrek
  `
    .trim()
    .split(/\s+/),
);
