/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The output of libvirt-domains, and running it. Here it is a shell script; the lab tests the real
 * one with a real libvirtd. */
#include "tests/unit/test.h"

#include "probe/ownership/libvirt.h"
#include "tests/unit/fakesys.h"

#include <sys/stat.h>
#include <sys/wait.h>

#define UUID "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1"
#define MDEV "4b20d080-1b54-4048-85b3-a6a62d165c01"

static struct fakesys *fake;
static struct sysroot *root;
static struct domain_devices devices;
static char why[LIBVIRT_WHY_SIZE];

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	why[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	domain_devices_free(&devices);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	sysroot_free(root);
	fakesys_free(fake);
	return 0;
}

static int parse(const char *text)
{
	domain_devices_free(&devices);
	return domain_devices_parse(text, strlen(text), &devices);
}

static void all_kinds_of_devices_are_parsed(void **state)
{
	char text[ADDRESS_SIZE];

	(void)state;
	assert_int_equal(parse("runs pci 0000:81:00.2 0000:05:00.0 " UUID " one-42 - -\n"
			       "defined pci 10000:e1:1f.7 - " UUID " web - -\n"
			       "defined mdev " MDEV " 10000:00:06.0 " UUID
			       " instance-0000001f - -\n"
			       "defined pci 0000:01:00.0 - " UUID " web opennebula 17\n"
			       "runs pci 0000:01:00.1 - " UUID " one-42 nova " UUID "\nend 5\n"),
			 0);
	assert_int_equal(devices.count, 5);
	assert_true(devices.items[0].runs);
	assert_false(devices.items[0].device.is_mdev);
	assert_string_equal(address_format(&devices.items[0].device.address, text), "0000:81:00.2");
	assert_string_equal(devices.items[0].device.guest_address, "0000:05:00.0");
	assert_string_equal(devices.items[0].uuid, UUID);
	assert_string_equal(devices.items[0].name, "one-42");
	assert_string_equal(devices.items[0].frontend, "opennebula");
	assert_string_equal(devices.items[0].frontend_id, "42");
	assert_false(devices.items[1].runs);
	assert_string_equal(address_format(&devices.items[1].device.address, text),
			    "10000:e1:1f.7");
	assert_string_equal(devices.items[1].device.guest_address, "");
	assert_null(devices.items[1].frontend);
	assert_null(devices.items[1].frontend_id);
	assert_true(devices.items[2].device.is_mdev);
	assert_string_equal(devices.items[2].device.mdev, MDEV);
	assert_string_equal(devices.items[2].device.guest_address, "");
	assert_string_equal(devices.items[2].frontend, "nova");
	assert_string_equal(devices.items[2].frontend_id, UUID);
	/* metadata take precedence over the name */
	assert_string_equal(devices.items[3].frontend_id, "17");
	assert_string_equal(devices.items[4].frontend, "nova");
}

static void settings_of_interfaces_are_parsed(void **state)
{
#define LINE "runs pci 0000:81:00.2 - " UUID " web - -"
	static const char *const malformed[] = {
		" ",
		" -",
		" 52:54:00:00:00:01",
		" 52:54:00:00:00:01 100 ",
		" 52:54:00:00:00 100",
		" 52:54:00:00:00:0G 100",
		" - -1",
		" - 10000",
		" - 0x1",
		" - 1 2",
	};

	(void)state;
	assert_int_equal(parse(LINE " 52:54:00:00:00:01 100\n" LINE " - 0\n" LINE
				    " 52:54:00:00:00:02 -\n" LINE "\nend 4\n"),
			 0);
	assert_string_equal(devices.items[0].mac, "52:54:00:00:00:01");
	assert_true(devices.items[0].has_vlan);
	assert_int_equal(devices.items[0].vlan, 100);
	assert_string_equal(devices.items[1].mac, "");
	assert_true(devices.items[1].has_vlan);
	assert_int_equal(devices.items[1].vlan, 0);
	assert_string_equal(devices.items[2].mac, "52:54:00:00:00:02");
	assert_false(devices.items[2].has_vlan);
	assert_string_equal(devices.items[3].mac, "");
	assert_false(devices.items[3].has_vlan);
	for (size_t i = 0; i < COUNT(malformed); i++) {
		char text[256];

		snprintf(text, sizeof(text), LINE "%s\nend 1\n", malformed[i]);
		assert_int_equal(parse(text), -EBADMSG);
	}
}

static void an_answer_without_devices_is_valid(void **state)
{
	(void)state;
	assert_int_equal(parse("end 0\n"), 0);
	assert_int_equal(devices.count, 0);
}

static void names_can_contain_any_bytes(void **state)
{
	char text[20000], name[4097];
	size_t length;

	(void)state;
	assert_int_equal(parse("runs pci 0000:81:00.2 - " UUID
			       " %2d%0aend%201%0a%1b[2J]]>%22'%25%ff%2d - -\nend 1\n"),
			 0);
	assert_string_equal(devices.items[0].name, "-\nend 1\n\x1b[2J]]>\"'%\xff-");
	memset(name, '\n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	length = (size_t)sprintf(text, "runs pci 0000:81:00.2 - " UUID " ");
	for (size_t i = 0; i < sizeof(name) - 1; i++)
		length += (size_t)sprintf(text + length, "%%0a");
	sprintf(text + length, " - -\nend 1\n");
	assert_int_equal(parse(text), 0);
	assert_string_equal(devices.items[0].name, name);
}

static void domains_that_could_not_be_read_are_counted(void **state)
{
	(void)state;
	assert_int_equal(parse("unread web internal%20error\nend 1\n"), 0);
	assert_int_equal(devices.count, 0);
	assert_int_equal(devices.unread, 1);
	assert_string_equal(devices.unread_why, "domain 'web': internal error");
	assert_int_equal(parse("unread %1b%0a%ff a%0ab\nruns pci 0000:81:00.2 - " UUID
			       " web - -\nunread b c\nend 3\n"),
			 0);
	assert_int_equal(devices.count, 1);
	assert_int_equal(devices.unread, 2);
	assert_string_equal(devices.unread_why, "domain '\?\?\?': a?b");
	assert_int_equal(parse("end 0\n"), 0);
	assert_int_equal(devices.unread, 0);
}

static void malformed_answers_are_rejected(void **state)
{
	static const char *const answers[] = {
		"",
		"\n",
		"end",
		"end 0",
		"end 0\n\n",
		"end 0\nend 0\n",
		"end 1\n",
		"end -0\n",
		"end 00\n",
		"end 0 \n",
		" end 0\n",
		"garbage\n",
		"garbage\nend 1\n",
		"\x7f"
		"ELF\x02\x01\x01",
		"<domain type='qemu'>\nend 1\n",
		/* truncated */
		"runs pci 0000:81:00.2 - " UUID " web - -\n",
		"runs pci 0000:81:00.2 - " UUID " web - -\nend",
		"runs pci 0000:81:00.2 - " UUID " web - -\nend 1",
		"runs pci 0000:81:00.2 - " UUID " web - -\nend 2\n",
		"runs pci 0000:81:00.2 - " UUID " we",
		/* fields */
		"runs pci 0000:81:00.2 - " UUID " web -\nend 1\n",
		"runs pci 0000:81:00.2 - " UUID " web - - -\nend 1\n",
		"runs pci 0000:81:00.2 - " UUID " web - - \nend 1\n",
		"runs pci  0000:81:00.2 - " UUID " web - -\nend 1\n",
		"was pci 0000:81:00.2 - " UUID " web - -\nend 1\n",
		"- pci 0000:81:00.2 - " UUID " web - -\nend 1\n",
		"runs usb 0000:81:00.2 - " UUID " web - -\nend 1\n",
		"runs - 0000:81:00.2 - " UUID " web - -\nend 1\n",
		"runs pci 81:00.2 - " UUID " web - -\nend 1\n",
		"runs pci - - " UUID " web - -\nend 1\n",
		"runs pci ../../../etc - " UUID " web - -\nend 1\n",
		"runs mdev ../../../etc - " UUID " web - -\nend 1\n",
		"runs mdev " MDEV "0 - " UUID " web - -\nend 1\n",
		"runs mdev - - " UUID " web - -\nend 1\n",
		"runs mdev 4b20d080-1b54-4048-85b3-a6a62d165c0/ - " UUID " web - -\nend 1\n",
		"runs pci 0000:81:00.2 5 " UUID " web - -\nend 1\n",
		"runs pci 0000:81:00.2 - - web - -\nend 1\n",
		"runs pci 0000:81:00.2 - 1234 web - -\nend 1\n",
		"runs pci 0000:81:00.2 - " UUID " - - -\nend 1\n",
		"runs pci 0000:81:00.2 - " UUID " web opennebula -\nend 1\n",
		"runs pci 0000:81:00.2 - " UUID " web - 5\nend 1\n",
		"runs pci 0000:81:00.2 - " UUID " web acme 5\nend 1\n",
		"unread\nend 1\n",
		"unread web\nend 1\n",
		"unread web \nend 1\n",
		"unread  why\nend 1\n",
		"unread web why x\nend 1\n",
		"unread web why\nend 0\n",
		"unread web a%00b\nend 1\n",
		"unread w% why\nend 1\n",
		"unread web why\n",
		/* escapes */
		"runs pci 0000:81:00.2 - " UUID " a%00b - -\nend 1\n",
		"runs pci 0000:81:00.2 - " UUID " a% - -\nend 1\n",
		"runs pci 0000:81:00.2 - " UUID " a%2 - -\nend 1\n",
		"runs pci 0000:81:00.2 - " UUID " a%zz - -\nend 1\n",
		"runs pci 0000:81:00.2 - " UUID " a%2G - -\nend 1\n",
		"runs pci 0000:81:00.2 - " UUID " a\tb - -\nend 1\n",
		"runs pci 0000:81:00.2 - " UUID " a\xc3\xa4 - -\nend 1\n",
		"runs pci 0000:81:00.2 - " UUID " web - -\r\nend 1\r\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		assert_int_equal(parse(answers[i]), -EBADMSG);
		assert_int_equal(devices.count, 0);
	}
	assert_int_equal(domain_devices_parse("end 0\n\0", 7, &devices), -EBADMSG);
	assert_int_equal(domain_devices_parse("end\0 0\n", 7, &devices), -EBADMSG);
}

/* ---- the query ---- */

/* Queries with a script of these lines as helper; NULL: there is none. */
static int query(const char *lines)
{
	char text[1024], path[128];

	snprintf(path, sizeof(path), "%s/helper", fake->path);
	if (lines) {
		snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", lines);
		fakesys_file(fake, "helper", text);
		assert_int_equal(chmod(path, 0755), 0);
	}
	domain_devices_free(&devices);
	return libvirt_read(root, path, &devices, why);
}

/* Prints a device of a VM whose name contains the socket and the helper's working directory. */
static const char ANSWER[] = "echo \"runs pci 0000:81:00.2 - " UUID
			     " $1:$(basename \"$PWD\") - -\"; echo end 1";
static const char NOT_RUN[] = "echo ran >&2; exit 1";

static void without_a_socket_the_helper_is_not_run(void **state)
{
	(void)state;
	assert_int_equal(query(NOT_RUN), -ENOENT);
	fakesys_directory(fake, "run/libvirt/qemu");
	fakesys_file(fake, "run/libvirt/libvirt-sock-ro", "no socket");
	assert_int_equal(query(NOT_RUN), -ENOENT);
	assert_int_equal(libvirt_read(root, NULL, &devices, why), -ENOENT);
	assert_string_equal(why, "");
}

static void the_modular_daemon_is_preferred(void **state)
{
	(void)state;
	fakesys_socket(fake, "run/libvirt/libvirt-sock-ro");
	assert_int_equal(query(ANSWER), 0);
	assert_int_equal(devices.count, 1);
	assert_string_equal(devices.items[0].name, "libvirt-sock-ro:libvirt");
	fakesys_socket(fake, "run/libvirt/virtqemud-sock-ro");
	assert_int_equal(query(ANSWER), 0);
	assert_string_equal(devices.items[0].name, "virtqemud-sock-ro:libvirt");
}

static void only_read_only_sockets_are_used(void **state)
{
	(void)state;
	fakesys_socket(fake, "run/libvirt/libvirt-sock");
	assert_int_equal(query(NOT_RUN), -EOPNOTSUPP);
	assert_contains(why, "/run/libvirt/: no read-only socket");
}

static void no_link_leads_out_of_the_root(void **state)
{
	struct fakesys *other = fake;
	char path[128];

	(void)state;
	fakesys_socket(fake, "run/libvirt/libvirt-sock-ro");
	fake = fakesys_new();
	snprintf(path, sizeof(path), "%s/run/libvirt/libvirt-sock-ro", other->path);
	fakesys_link(fake, "run/libvirt/libvirt-sock-ro", path);
	sysroot_free(root);
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	assert_int_equal(query(NOT_RUN), -ENOENT);
	fakesys_remove(fake, "run");
	snprintf(path, sizeof(path), "%s/run", other->path);
	fakesys_link(fake, "run", path);
	assert_int_equal(query(NOT_RUN), -ENOENT);
	fakesys_free(other);
}

static void a_missing_helper_is_reported(void **state)
{
	char wanted[LIBVIRT_WHY_SIZE];

	(void)state;
	fakesys_socket(fake, "run/libvirt/libvirt-sock-ro");
	assert_int_equal(query(NULL), -ENOSYS);
	snprintf(wanted, sizeof(wanted),
		 "%s/run/libvirt/libvirt-sock-ro: %s/helper: No such file or directory", fake->path,
		 fake->path);
	assert_string_equal(why, wanted);
	assert_int_equal(libvirt_read(root, NULL, &devices, why), -ENOSYS);
	assert_contains(why, "libvirt-sock-ro: built without libvirt support");
}

static void an_unreadable_domain_does_not_hide_others(void **state)
{
	(void)state;
	fakesys_socket(fake, "run/libvirt/libvirt-sock-ro");
	assert_int_equal(query("echo unread db broken; echo 'runs pci 0000:81:00.2 - " UUID
			       " web - -'; echo end 2"),
			 0);
	assert_int_equal(devices.count, 1);
	assert_contains(why, "libvirt-sock-ro: 1 domain(s) could not be read; domain 'db': broken");
}

static void failures_have_a_reason(void **state)
{
	static const struct {
		const char *lines;
		int error;
		const char *why;
	} cases[] = {
		{"echo 'libvirt: Connection refused' >&2; exit 1", -ECONNREFUSED,
		 "-ro: libvirt: Connection refused"},
		{"cat /bin/sh", -EBADMSG, "-ro: malformed answer"},
		{"echo end 1", -EBADMSG, "-ro: malformed answer"},
		{"echo runs pci; kill -KILL $$", -EBADMSG, "-ro: killed by signal 9"},
		{"exec cat /dev/zero", -EFBIG, "-ro: answer too long"},
		{"exec sleep 1000", -ETIMEDOUT, "-ro: no answer in time"},
	};

	(void)state;
	fakesys_socket(fake, "run/libvirt/virtqemud-sock-ro");
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(query(cases[i].lines), cases[i].error);
		assert_contains(why, cases[i].why);
		assert_int_equal(devices.count, 0);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_kinds_of_devices_are_parsed),
		TEST(settings_of_interfaces_are_parsed),
		TEST(an_answer_without_devices_is_valid),
		TEST(names_can_contain_any_bytes),
		TEST(domains_that_could_not_be_read_are_counted),
		TEST(malformed_answers_are_rejected),
		TEST(without_a_socket_the_helper_is_not_run),
		TEST(the_modular_daemon_is_preferred),
		TEST(only_read_only_sockets_are_used),
		TEST(no_link_leads_out_of_the_root),
		TEST(a_missing_helper_is_reported),
		TEST(an_unreadable_domain_does_not_hide_others),
		TEST(failures_have_a_reason),
	};

	return cmocka_run_group_tests_name("libvirt", tests, NULL, NULL);
}
