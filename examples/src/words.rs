//! Words, sentences and syllables of English, well enough for the examples.

/// Words that carry no subject.
const STOP_WORDS: &str = "a about after again all am an and any are as at be been before being but by \
    could did do does down for from get had has have he her here herself him his how i if in into is \
    it its itself just like made me might more much must my never no nor not nothing now of off on \
    once one only or other our out over own perhaps quite rather said same say see shall she should \
    so some somewhere still such than that the their them then there these they this those though \
    time to too up upon us very was way we well went were what when where which while who why will \
    with without would yes yet you your";

/// The lower-case words of a text, without the punctuation around them.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-')
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// Whether a word can stand for what a text is about.
pub(crate) fn is_telling(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_alphabetic() || c == '-');
    plain && word.chars().count() > 2 && !STOP_WORDS.split_whitespace().any(|stop| stop == word)
}

/// The sentences of a text.
pub(crate) fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['.', '!', '?'])
        .map(|sentence| sentence.trim().trim_start_matches(['"', ')', '\'']).trim())
        .filter(|sentence| sentence.chars().any(char::is_alphanumeric))
}

/// The syllables of a word: its groups of vowels, without a silent e.
pub(crate) fn syllables(word: &str) -> u64 {
    let mut groups = 0u64;
    let mut in_group = false;
    for c in word.chars() {
        let vowel = matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
        if vowel && !in_group {
            groups = groups.saturating_add(1);
        }
        in_group = vowel;
    }
    let silent = word.ends_with('e') && !word.ends_with("le") && groups > 1;
    groups.saturating_sub(u64::from(silent)).max(1)
}
