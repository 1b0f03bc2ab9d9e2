#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Which part may include which, and what each may do: see ARCHITECTURE.md. Prints TAP.
cd "${SOURCES:-.}" || exit 1
number=0

# none NAME COMMAND...: the command lists violations.
none() {
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

# in_code PATTERN DIRECTORY...: matching lines of code, not of comments.
in_code() {
	pattern=$1
	shift
	sources "$@" | xargs grep -nE "$pattern" | grep -vE '^[^:]*:[0-9]*:[[:space:]]*(/?\*|//)'
}

# Without what make and the tests leave in a tree that was built in place.
text_files() {
	find probe common plugins helper binder bench tests etc/opennebula etc/cloudstack etc/collectd etc/completion \
		etc/prometheus etc/systemd etc/telegraf etc/udev etc/vfio-bind.default \
		setup autogen.sh configure.ac Makefile.am .ci \
		\( -name .libs -o -name .deps -o -name __pycache__ \) -prune -o -type f \
		! -name '*.md' ! -name '*.json' ! -name '*.xz' ! -name '.*' ! -name '*.lo' ! -name '*.log' ! -name '*.trs' \
		! -path 'tests/fuzz/seeds/*' -exec grep -Il . {} +
}

without_licence() {
	text_files | while read -r file; do
		head -n 3 "$file" | grep -q "SPDX-License-Identifier: GPL-2.0-or-later" || echo "$file"
	done
}

# The manual pages and documents of the top directory, too.
conflict_marks() { grep -rnE --exclude-dir='build*' --exclude-dir=.git '^(<<<<<<<|>>>>>>>|\|\|\|\|\|\|\|)( |$)' .; }

# Tabs count as eight columns. Messages are not broken, so that they can be searched for.
wide_lines() {
	sources probe common plugins helper binder bench tests | while read -r file; do
		expand "$file" | LC_ALL=C.UTF-8 grep -nE '^.{101}' | grep -v '"' | sed "s|^|$file:|"
	done
}

above_sysfs() {
	grep -nE '#include "' probe/address.[ch] probe/sysfs/*.[ch] |
		grep -vE '"probe/(address|sysfs/[a-z]+|device|log|strings)\.h"'
}

# A function, or a structure, whose name is used in two files means two things.
defined_twice() {
	in_code "^(struct|enum|union) [a-z_]+ \{" probe common plugins binder helper |
		sed -E 's/^[^:]*:[0-9]*:(struct|enum|union) ([a-z_]+) .*/\2/' | sort | uniq -d
}

# No archive order decides which of two functions runs.
exported_twice() {
	cd "${BUILD:-.}" || return
	# two objects of one source are one: it was compiled for another library once
	find probe common plugins binder -path '*/.libs/*.o' -exec nm -A -g --defined-only {} + |
		sed -E 's,/lib[a-z]+_la-([^/:]*:),/\1,; s,:[0-9a-f]* *, ,' |
		awk '$2 ~ /^[TDRBC]$/ {print $3, $1}' | sort -u | awk '{print $1}' | uniq -d
}

# The helper program and what may hang in the kernel are the only child processes.
child_processes() {
	in_code '\b(v?fork|clone3?|posix_spawnp?|execl|execle|execv|execve|execveat|fexecve)[[:space:]]*\(' \
		probe common plugins helper |
		grep -vE '^(probe/ownership/(helper|pvefiles)|common/netlink|plugins/standalone/callerfile)\.c:'
}

guard_of() { echo "$1" | sed -E 's,^(plugins|probe)/,,' | tr 'a-z/.-' 'A-Z___' | sed 's/^/PCIPROBE_/'; }

wrong_guards() {
	for header in $(sources probe common plugins helper binder tests/unit bench | grep '\.h$'); do
		grep -q "^#ifndef $(guard_of "$header")\$" "$header" || echo "$header"
	done
}

none "the core includes no plugin and not the binder" in_code '#include "(common|plugins|binder|tests)/' probe
none "common/ includes no program" in_code '#include "(plugins|binder|tests)/' common
none "collectd's plugin includes neither the standalone program nor the binder" \
	in_code '#include "(plugins/standalone|binder|tests)/' plugins/collectd
none "the standalone program includes neither collectd's plugin nor the binder" \
	in_code '#include "(plugins/collectd|binder|tests)/' plugins/standalone
none "formats do not include subcommands" in_code '#include "plugins/standalone/commands/' plugins/standalone/formats
none "the binder includes no plugin" in_code '#include "(plugins|tests)/' binder
none "binder/engine does not include options, subcommands or reports" \
	in_code '#include "binder/(commands|options|job|report|hazards|hostfiles|readiness)' binder/engine
none "addresses and sysfs/ include nothing above them" above_sysfs
none "structures have unique names" defined_twice
none "exported names are unique" exported_twice
ending() {
	in_code '\b(printf|puts|putchar|fprintf|vprintf|perror|exit|_exit|abort|getenv|secure_getenv|setenv)[[:space:]]*\(' \
		probe | grep -v '^probe/ownership/pvefiles\.c:[0-9]*:.*\b_exit(' # in its child process
}
none "the core does not print, exit or read the environment" ending
none "only main, report.c, callerfile.c and sdnotify.c read the environment" \
	sh -c 'grep -rnE "getenv *\(" common plugins --include="*.c" | grep -vE "^(plugins/standalone/(report|callerfile)|common/sdnotify).c:"'
none "no shell is started" \
	in_code '\b(system|popen|execlp|execvp)[[:space:]]*\(' probe common plugins helper binder
none "only ownership/helper.c, ownership/pvefiles.c, netlink.c and callerfile.c start processes" child_processes
none "only the helpers use libvirt and libxml2" in_code '#include <lib(virt|xml)' probe common plugins binder
none "the helpers use only addresses of the core, and queries of rtnetlink" \
	sh -c 'grep -nE "#include \"" helper/*.[ch] | grep -vE "\"(probe/address|common/rtnetlink-vf|helper/domainxml)\.h\""'
none "the core writes no file" in_code '\b(O_WRONLY|O_RDWR|O_CREAT)\b|fopen *\([^)]*"[wa]' probe
none "VFIO groups and configuration space are never opened" \
	in_code '\b(sysdir_read|open|openat|fopen) *\(.*(dev/vfio|/config")' probe plugins binder
writing_binder() {
	in_code '\b(O_WRONLY|O_RDWR|O_CREAT)\b|fopen *\([^)]*"[wa]' binder | grep -vE '^binder/(engine/(kernel|journal)|hostfiles/persist)\.c:'
}
starting_binder() {
	in_code '\b(v?fork|clone3?|posix_spawnp?|exec[a-z]*)[[:space:]]*\(' binder | grep -vE '^binder/host/deadline\.c:'
}
none "in the binder only kernel.c (/sys), journal.c (/run) and persist.c (/etc) write" writing_binder
none "in the binder only deadline.c starts processes" starting_binder
setting_links() {
	in_code 'RTM_(SET|DEL)LINK|rtnetlink_set_' common probe plugins helper binder |
		grep -vE '^(common/rtnetlink-vf\.[ch]|binder/engine/vfsettings\.c):'
}
none "only the binder's engine changes network interfaces" setting_links
none "only the binder changes drivers" \
	in_code 'driver_override|drivers_probe|/unbind|/bind"' probe common plugins helper
none "no ids are added to a driver, which would bind other devices too" \
	in_code '"[^"]*/new_id|/remove_id' probe common plugins helper binder
none "in the binder only main reads the environment" \
	sh -c 'grep -rnE "getenv *\(" binder --include="*.c" | grep -v "^binder/main.c:"'
none "checks of the host write nothing" \
	in_code '\b(O_WRONLY|O_RDWR|O_CREAT)\b|fopen *\(' binder/readiness binder/host
none "only bind and release write and remove files in /etc" \
	sh -c 'grep -rnE "persist_(write|remove)" binder --include="*.c" |
		grep -vE "^binder/(hostfiles/persist|commands/(persist|bind|release))\.c:"'
STATIC_STATE='^static (_Thread_local )?(struct [a-z_]+ |char |int |unsigned |bool |size_t )[*a-z_]+(\[.*\])?( =.*)?;$'
state_of_core() { in_code "$STATIC_STATE" probe | grep -v '^probe/names/libpci\.c:'; }
state_of_plugin() { in_code "$STATIC_STATE" plugins/collectd | grep -v '^plugins/collectd/module\.c:'; }
none "the core has no static state, except for libpci's callbacks" state_of_core
none "collectd's plugin has no static state outside module.c" state_of_plugin
none "collectd's plugin does not print, exit or read the environment" in_code \
	'\b(printf|puts|putchar|fprintf|vprintf|perror|exit|_exit|abort|getenv|secure_getenv|setenv)[[:space:]]*\(' \
	plugins/collectd
none "only dispatch.c hands values and notifications to collectd" \
	sh -c 'grep -nE "\\b(value_list_t|value_t|notification_t|plugin_dispatch[a-z_]*|plugin_write)\\b" \
		plugins/collectd/*.[ch] | grep -v "^plugins/collectd/dispatch.c:"'
none "only dispatch.c and module.c use collectd's API" \
	sh -c 'grep -nE "collectd/core|plugin_(log|register)" plugins/collectd/*.[ch] |
		grep -vE "^plugins/collectd/(dispatch|module).c:"'
none "every file has its licence" without_licence
none "no conflict of a merge is left" conflict_marks
none "every header's guard is its path" wrong_guards
none "no line is wider than 100 columns" wide_lines
echo "1..$number"
