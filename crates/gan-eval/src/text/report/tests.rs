//! The page of an evaluation.

use super::super::fixture::evaluation;
use super::page;

#[test]
fn a_page_needs_no_network_and_no_trust() {
    let mut file = evaluation(0.3);
    let evil = "</style></svg><script>alert(1)</script>";
    file.subject.path = evil.into();
    file.notes.push(evil.to_string());
    file.examples.training.push(evil.to_string());
    let page = page(&file).into_string();
    assert!(!page.contains("<script") && !page.contains("<b>riding"));
    assert!(page.contains("a man &lt;b&gt;riding&lt;/b&gt; a wave"));
    let links = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!links.contains("http:") && !links.contains("https:") && !links.contains("src="));
}

#[test]
fn a_page_has_the_verdict_the_pictures_and_texts_of_any_script() {
    let mut file = evaluation(0.3);
    let whole = page(&file).into_string();
    assert_eq!(whole.matches("<svg ").count(), 7);
    assert!(whole.contains("gained 0.3 ± 0.1 over temperature"));
    assert!(whole.contains("<td dir=\"auto\">القط على الطاولة</td>"));
    assert!(whole.contains("␀␡") && !whole.contains('\u{0}'));
    assert!(whole.contains("0.500 ± 0.00500"), "{whole}");
    file.curves.clear();
    file.verdict = None;
    file.scores.clear();
    file.by_position.clear();
    file.by_length.clear();
    file.examples = Default::default();
    let empty = page(&file).into_string();
    assert!(!empty.contains("<svg ") && !empty.contains("Quality against"));
}
