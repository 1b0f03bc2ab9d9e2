#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may know whom, and what each room may do: see ARCHITECTURE.md. Prints TAP.
cd "${SOURCES:-.}" || exit 1
number=0

# refuse NAME COMMAND...: what the command prints is what shouldn't be there.
refuse() {
	name=$1
	shift
	number=$((number + 1))
	found=$("$@" 2>/dev/null)
	if [ -z "$found" ]; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		echo "$found" | head -n 10 | sed 's/^/# /'
	fi
}

sources() { find "$@" -name '*.[ch]'; }

# in_code PATTERN DIRECTORY...: lines of code, not of comments, that match.
in_code() {
	pattern=$1
	shift
	sources "$@" | xargs grep -nE "$pattern" | grep -vE '^[^:]*:[0-9]*:[[:space:]]*(/?\*|//)'
}

# Without what make and the tests leave in a tree that was built in place.
without_licence() {
	find probe common plugins helper binder bench tests etc/opennebula etc/cloudstack etc/collectd etc/completion etc/prometheus etc/systemd etc/udev etc/vfio-bind.default \
		setup autogen.sh configure.ac Makefile.am .ci \( -name .libs -o -name .deps -o -name __pycache__ \) -prune -o -type f \
		! -name '*.md' ! -name '*.json' ! -name '*.xz' ! -name '.*' ! -name '*.lo' ! -name '*.log' ! -name '*.trs' \
		! -path 'tests/fuzz/seeds/*' -exec sh -c '
		for file; do
			grep -Iq . "$file" || continue # a binary
			head -n 3 "$file" | grep -q "SPDX-License-Identifier: GPL-2.0-or-later" || echo "$file"
		done' sh {} +
}

# addresses, the door and what they need stand below the rest of the core
above_the_ground() {
	grep -nE '#include "' probe/address.[ch] probe/inroot.[ch] probe/sysroot.[ch] | grep -vE '"probe/(address|inroot|sysroot)\.h"'
}

# the helper of one source is the only program that is ever started; what may hang in the kernel is read by a child
starting() {
	in_code '\b(v?fork|clone3?|posix_spawnp?|execl|execle|execv|execve|execveat|fexecve)[[:space:]]*\(' probe plugins helper |
		grep -vE '^probe/ownership/(helper|pvefiles)\.c:'
}

# what asks libvirt is linked with it; nobody else pays for that
beyond_addresses() { grep -nE '#include "' helper/*.c | grep -v '"probe/address\.h"'; }

unguarded() {
	for header in $(sources probe common plugins helper binder | grep '\.h$'); do
		grep -q '#ifndef PCIPROBE_' "$header" || echo "$header"
	done
}

refuse "the core includes no plugin and no binder" in_code '#include "(common|plugins|binder|tests)/' probe
refuse "what programs share includes none of them" in_code '#include "(plugins|binder|tests)/' common
refuse "the plugins include neither each other nor the binder (collectd)" \
	in_code '#include "(plugins/standalone|binder|tests)/' plugins/collectd
refuse "the plugins include neither each other nor the binder (standalone)" \
	in_code '#include "(plugins/collectd|binder|tests)/' plugins/standalone
refuse "the binder includes no plugin" in_code '#include "(plugins|tests)/' binder
refuse "addresses and the door include nothing above them" above_the_ground
ending() {
	in_code '\b(printf|puts|putchar|fprintf|vprintf|perror|exit|_exit|abort|getenv|secure_getenv|setenv)[[:space:]]*\(' probe |
		grep -v '^probe/ownership/pvefiles\.c:[0-9]*:.*\b_exit(' # of its child
}
refuse "the core prints nothing, ends nothing, reads no environment" ending
refuse "only main and verbs read the environment" \
	sh -c 'grep -rnE "getenv *\(" common plugins --include="*.c" | grep -v "^plugins/standalone/report.c:"'
refuse "nobody starts a shell" in_code '\b(system|popen|execlp|execvp)[[:space:]]*\(' probe common plugins helper binder
refuse "one file starts a program, the helper of one source" starting
refuse "libvirt and libxml2 stay in the helper" in_code '#include <lib(virt|xml)' probe common plugins binder
refuse "the helper knows addresses and nothing else of the core" beyond_addresses
refuse "nothing is written in the core" in_code '\b(O_WRONLY|O_RDWR|O_CREAT)\b|fopen *\([^)]*"[wa]' probe
refuse "nobody opens VFIO groups or configuration space" \
	in_code '\b(sysdir_read|open|openat|fopen) *\(.*(dev/vfio|/config")' probe plugins binder
# kernel.c writes to /sys, journal.c what is remembered in /run
writing_binder() { in_code '\b(O_WRONLY|O_RDWR|O_CREAT)\b|fopen *\([^)]*"[wa]' binder | grep -vE '^binder/(kernel|journal)\.c:'; }
starting_binder() { in_code '\b(v?fork|clone3?|posix_spawnp?|exec[a-z]*)[[:space:]]*\(' binder | grep -v '^binder/kernel\.c:'; }
refuse "of the binder two files write, one of them to /sys" writing_binder
refuse "of the binder one file makes processes" starting_binder
refuse "nobody but the binder changes drivers" in_code 'driver_override|drivers_probe|/unbind|/bind"' probe common plugins helper
refuse "nobody gives a driver ids, which would take other cards too" in_code '"[^"]*/new_id|/remove_id' probe common plugins helper binder
refuse "of the binder only main reads the environment" sh -c 'grep -rnE "getenv *\(" binder --include="*.c" | grep -v "^binder/main.c:"'
refuse "what tells of the host writes nothing" in_code '\b(O_WRONLY|O_RDWR|O_CREAT)\b|fopen *\(' \
	binder/readiness binder/hostfiles binder/readiness.c binder/hostfiles.c binder/kernelinfo.c binder/iommu.c binder/bootfiles.c
refuse "the core keeps no state of its own" \
	in_code '^static (_Thread_local )?(struct [a-z_]+ |char |int |unsigned |bool |size_t )[*a-z_]+(\[.*\])?( =.*)?;$' \
	probe/details probe/scan.c probe/names.c probe/config.c probe/configkeys.c probe/ownership probe/alias.c probe/pool.c probe/request.c probe/selection.c probe/rule.c probe/probe.c probe/sysroot.c probe/pciids.c probe/regex.c probe/yamlfile.c
refuse "collectd's plugin prints nothing, ends nothing, reads no environment" \
	in_code '\b(printf|puts|putchar|fprintf|vprintf|perror|exit|_exit|abort|getenv|secure_getenv|setenv)[[:space:]]*\(' plugins/collectd
refuse "only dispatch.c knows how collectd takes values and notifications" \
	sh -c 'grep -nE "\\b(value_list_t|value_t|notification_t|plugin_dispatch[a-z_]*|plugin_write)\\b" plugins/collectd/*.[ch] | grep -v "^plugins/collectd/dispatch.c:"'
refuse "only it and module.c know the daemon" \
	sh -c 'grep -nE "collectd/core|plugin_(log|register)" plugins/collectd/*.[ch] | grep -vE "^plugins/collectd/(dispatch|module).c:"'
refuse "collectd's plugin has no state but that of module.c" \
	sh -c 'grep -nE "^static (struct [a-z_]+ |char |int |unsigned |bool |size_t )[*a-z_]+(\[.*\])?( =.*)?;$" plugins/collectd/*.c'
refuse "every file says its licence" without_licence
refuse "every header has its guard" unguarded
echo "1..$number"
