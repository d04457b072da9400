// Work for a compiler: UNITS copies (default 40, which clang -O2 takes about 15 s for) of templates around std::regex,
// maps, streams and algorithms.
#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <regex>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#ifndef UNITS
#define UNITS 40
#endif

template <int Unit>
struct Key {
  std::string text;
  double number;
  bool operator<(const Key &other) const { return text < other.text || (text == other.text && number < other.number); }
};

template <int Unit>
struct Matcher {
  std::basic_regex<char, std::regex_traits<char>> pattern{"(a|b)*c+[d-f]{2,5}" + std::to_string(Unit)};
  bool operator()(const std::string &text) const { return std::regex_search(text, pattern); }
};

template <int Unit>
double unit(const std::string &input) {
  std::map<Key<Unit>, std::vector<std::string>> sorted;
  std::unordered_map<std::string, std::variant<int, double, std::string>> hashed;
  std::istringstream words(input);
  Matcher<Unit> matches;
  for (std::string word; words >> word;) {
    if (matches(word)) sorted[Key<Unit>{word, Unit * 1.5}].push_back(word);
    hashed[word] = static_cast<double>(word.size());
  }
  std::vector<Key<Unit>> keys;
  std::transform(sorted.begin(), sorted.end(), std::back_inserter(keys), [](const auto &pair) { return pair.first; });
  std::stable_sort(keys.begin(), keys.end(), [](const auto &a, const auto &b) { return b < a; });
  std::function<double(double, const Key<Unit> &)> add = [](double sum, const auto &key) { return sum + key.number; };
  return std::accumulate(keys.begin(), keys.end(), static_cast<double>(hashed.size()), add);
}

template <int... Unit>
double all(const std::string &input, std::integer_sequence<int, Unit...>) {
  return (unit<Unit>(input) + ...);
}

double use(const std::string &input) { return all(input, std::make_integer_sequence<int, UNITS>()); }
