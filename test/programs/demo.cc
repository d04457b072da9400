// Something to look at: a small text indexer that parses, sorts, compresses and writes for some seconds (default 5).
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#define NOINLINE __attribute__((noinline))

namespace text {

NOINLINE uint32_t random(uint32_t &state) {
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}

NOINLINE std::string generate(size_t length) {
  std::string result(length, ' ');
  uint32_t state = 42;
  for (auto &c : result) c = random(state) % 6 == 0 ? ' ' : static_cast<char>('a' + random(state) % 26);
  return result;
}

struct Token {
  const char *begin;
  size_t length;
};

NOINLINE bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

NOINLINE Token next_token(const char *at, const char *end) {
  while (at < end && !is_letter(*at)) at++;
  const char *begin = at;
  while (at < end && is_letter(*at)) at++;
  return {begin, static_cast<size_t>(at - begin)};
}

}  // namespace text

namespace indexer {

NOINLINE uint64_t hash(text::Token token) {
  uint64_t h = 1469598103934665603u;
  for (size_t i = 0; i < token.length; i++) h = (h ^ static_cast<uint8_t>(token.begin[i])) * 1099511628211u;
  return h;
}

template <typename T>
NOINLINE void sort(std::vector<T> &items, ptrdiff_t low, ptrdiff_t high) {
  if (low >= high) return;
  T pivot = items[(low + high) / 2];
  ptrdiff_t i = low, j = high;
  while (i <= j) {
    while (items[i] < pivot) i++;
    while (pivot < items[j]) j--;
    if (i <= j) std::swap(items[i++], items[j--]);
  }
  sort(items, low, j);
  sort(items, i, high);
}

class Index {
 public:
  NOINLINE void add(text::Token token) { hashes_.push_back(hash(token)); }
  NOINLINE void build() { sort(hashes_, 0, static_cast<ptrdiff_t>(hashes_.size()) - 1); }
  NOINLINE double entropy() const {
    double sum = 0;
    for (size_t i = 0; i < hashes_.size(); i++) sum += std::sqrt(static_cast<double>(hashes_[i] >> 40));
    return sum;
  }
  const std::vector<uint64_t> &hashes() const { return hashes_; }

 private:
  std::vector<uint64_t> hashes_;
};

NOINLINE std::unique_ptr<Index> parse(const std::string &input) {
  auto result = std::make_unique<Index>();
  const char *at = input.data(), *end = at + input.size();
  while (at < end) {
    auto token = text::next_token(at, end);
    if (token.length) result->add(token);
    at = token.begin + token.length;
  }
  result->build();
  return result;
}

}  // namespace indexer

namespace output {

NOINLINE void save(const std::vector<uint64_t> &hashes) {
  int fd = open("/dev/shm", O_TMPFILE | O_RDWR, 0600);
  if (fd < 0) return;
  const char *data = reinterpret_cast<const char *>(hashes.data());
  size_t bytes = hashes.size() * sizeof(hashes[0]);
  for (int round = 0; round < 8; round++)
    for (size_t done = 0; done < bytes; done += 4096)
      if (write(fd, data + done, std::min<size_t>(4096, bytes - done)) < 0) break;
  close(fd);
}

}  // namespace output

int main(int argc, char **argv) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(argc > 1 ? atoi(argv[1]) : 5);
  double total = 0;
  while (std::chrono::steady_clock::now() < end) {
    auto input = text::generate(400000);
    auto parsed = indexer::parse(input);
    total += parsed->entropy();
    output::save(parsed->hashes());
  }
  return total < 0;
}
