#!/usr/bin/env bash
# Writes the planner of a commit to target/shadow/before.rs, which the feature `shadow` builds in beside the planner of the
# work tree (src/plan/shadow.rs): every decision is then made by both and compared.
#
#     tests/proof/shadow.sh COMMIT
#
# Left out are the tests, the modules that both share because they only name things, and what the planner adds to types of
# the API: there is one of each.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
commit=$(git rev-parse --verify "$1^{commit}")
mkdir -p target/shadow
git archive "$commit" src/plan.rs src/plan | tar -x -C target/shadow
perl -e '
    use strict;
    my %shared = map { $_ => 1 } qw(decision diff ownership situation step);
    sub module {
        my ($file, $top) = @_;
        open my $in, "<", $file or die "$file: $!";
        my $text = do { local $/; <$in> };
        $text =~ s/^#\[cfg\(test\)\]\nmod tests(?:;| \{\n.*?^\})\n//msg;
        $text =~ s/^ *#\[cfg\(feature = "shadow"\)\]\n[^\n]*\n//mg;
        $text =~ s{^//![^\n]*\n}{}mg;
        $text =~ s/^impl (?:Journal|NotAccepted|SnapshotFailure) \{\n.*?^\}\n//msg;
        $text =~ s/crate::plan::/crate::plan::shadow::before::/g;
        (my $folder = $file) =~ s/\.rs$//;
        $text =~ s{^(pub(?:\([a-z: ]+\))? |)mod (\w+);\n}{
            $top && $shared{$2} ? "use crate::plan::$2;\n" : "$1mod $2 {\n" . module("$folder/$2.rs", 0) . "}\n"
        }mge;
        return $text;
    }
    print "#![allow(warnings, clippy::all, clippy::pedantic, clippy::restriction)]\n", module("target/shadow/src/plan.rs", 1);
' > target/shadow/before.rs
rm -r target/shadow/src
echo "the planner of $commit is in target/shadow/before.rs"
