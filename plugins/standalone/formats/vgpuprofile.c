/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vgpuConfig.xml, as far as it is used:
 *
 *   <vgpuType id="558" name="NVIDIA A10-2Q" class="Quadro">
 *     <framebuffer>0x74000000</framebuffer> <fbReservation>0xC000000</fbReservation>
 *     <profileSize>0x80000000</profileSize> <numHeads>4</numHeads>
 *     <display width="7680" height="4320"></display>
 *   </vgpuType>
 *   <pgpu>
 *     <devId vendorId="0x10de" deviceId="0x2236"
 *            subsystemVendorId="0x10de" subsystemId="0x0"></devId>
 *     <supportedVgpu vgpuId="558"> <maxVgpus>12</maxVgpus> </supportedVgpu>
 *   </pgpu>
 *
 * A subsystemId of 0 stands for all. Source: what XenServer's xapi reads of it
 * (ocaml/xapi/xapi_vgpu_type.ml). It is scanned rather than parsed: a library for XML would add
 * milliseconds to each start of the program, for one file that few hosts have. */
#include "plugins/standalone/formats/vgpuprofile.h"

#include "common/textstream.h"
#include "plugins/standalone/state.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG "usr/share/nvidia/vgpu/vgpuConfig.xml"
#define CONFIG_SIZE_MAX (16u << 20)
#define NAMES_SIZE_MAX (64u << 10)
#define NAME_LENGTH_MAX 128
#define VENDOR_NVIDIA 0x10deu
#define DIGITS "0123456789"

/* ---- vgpuConfig.xml ---- */

/* A start or end tag; the name of the latter begins with '/'. */
struct tag {
	const char *name;
	size_t length;	     /* up to '>' */
	const char *content; /* after '>' */
};

/* The next tag of *TEXT, which is advanced past it. Comments and declarations are skipped. */
static bool next_tag(const char **text, struct tag *ret)
{
	const char *start = *text;

	while ((start = strchr(start, '<'))) {
		bool is_comment = strncmp(start, "<!--", 4) == 0;
		const char *end = strstr(start, is_comment ? "-->" : ">");

		if (!end)
			return false;
		*text = end + (is_comment ? 3 : 1);
		*ret = (struct tag){
			.name = start + 1, .length = (size_t)(end - start) - 1, .content = *text};
		if (start[1] != '!' && start[1] != '?')
			return true;
		start = *text;
	}
	return false;
}

static bool is_tag(const struct tag *tag, const char *name)
{
	size_t length = strlen(name);

	return tag->length >= length && strncmp(tag->name, name, length) == 0 &&
	       (tag->length == length || strchr(" \t\r\n/", tag->name[length]));
}

/* Copies the value of an attribute. A value that doesn't fit, or is encoded, is not found. */
static bool find_attribute(const struct tag *tag, const char *name, char *buffer, size_t size)
{
	const char *end = tag->name + tag->length, *found = tag->name, *quote;
	size_t length = strlen(name);

	while ((found = memmem(found, (size_t)(end - found), name, length))) {
		bool is_whole = strchr(" \t\r\n", found[-1]) && found[length] == '=';

		found += length;
		if (!is_whole || found + 2 >= end || !strchr("\"'", found[1]))
			continue;
		quote = memchr(found + 2, found[1], (size_t)(end - found - 2));
		length = quote ? (size_t)(quote - found - 2) : size;
		if (length >= size || memchr(found + 2, '&', length))
			return false;
		memcpy(buffer, found + 2, length);
		buffer[length] = '\0';
		return true;
	}
	return false;
}

static void set_limit(struct vgpu_limit *limit, const char *text)
{
	char *end;
	unsigned long number;

	text += strspn(text, " \t\r\n");
	errno = 0;
	number = strtoul(text, &end, 0);
	if (errno || end == text || *text == '-')
		return;
	limit->known = true;
	limit->number = number;
}

static bool has_number(const struct tag *tag, const char *name, unsigned long number)
{
	struct vgpu_limit found = {0};
	char text[32];

	if (find_attribute(tag, name, text, sizeof(text)))
		set_limit(&found, text);
	return found.known && found.number == number;
}

static void set_attribute(struct vgpu_limit *limit, const struct tag *tag, const char *name)
{
	char text[32];

	if (find_attribute(tag, name, text, sizeof(text)))
		set_limit(limit, text);
}

/* The size of the profile, which its name and the kernel's description have, includes what is
 * reserved. */
static struct vgpu_limit video_ram(const struct vgpu_limit *profile,
				   const struct vgpu_limit *framebuffer,
				   const struct vgpu_limit *reservation)
{
	struct vgpu_limit size = profile->known ? *profile : *framebuffer;

	if (!profile->known)
		size.number += reservation->number;
	size.number >>= 20;
	return size;
}

/* Reads the rest of a vgpuType. */
static void read_type(const char *text, struct vgpu_limits *ret)
{
	struct vgpu_limit profile = {0}, framebuffer = {0}, reservation = {0};
	struct tag tag;

	while (next_tag(&text, &tag) && !is_tag(&tag, "/vgpuType")) {
		if (is_tag(&tag, "profileSize"))
			set_limit(&profile, tag.content);
		else if (is_tag(&tag, "framebuffer"))
			set_limit(&framebuffer, tag.content);
		else if (is_tag(&tag, "fbReservation"))
			set_limit(&reservation, tag.content);
		else if (is_tag(&tag, "numHeads"))
			set_limit(&ret->max_heads, tag.content);
		else if (is_tag(&tag, "display")) {
			set_attribute(&ret->max_resolution_x, &tag, "width");
			set_attribute(&ret->max_resolution_y, &tag, "height");
		}
	}
	ret->video_ram = video_ram(&profile, &framebuffer, &reservation);
}

/* Whether a devId is that of GPU; *RET_EXACT: with its subsystem. */
static bool is_gpu(const struct tag *tag, const struct pci_device *gpu, bool *ret_exact)
{
	*ret_exact = gpu->subsystem_device && has_number(tag, "subsystemId", gpu->subsystem_device);
	return has_number(tag, "vendorId", gpu->vendor) &&
	       has_number(tag, "deviceId", gpu->device) &&
	       (*ret_exact || has_number(tag, "subsystemId", 0));
}

/* Finds how many vGPUs of type ID the GPU can have. */
static void find_max_instances(const char *text, const struct pci_device *gpu, const char *id,
			       struct vgpu_limit *ret)
{
	bool inside = false, matches = false, is_type = false, exact = false, found_exact = false;
	char vgpu[16];
	struct tag tag;

	while (!found_exact && next_tag(&text, &tag)) {
		if (is_tag(&tag, "pgpu") || is_tag(&tag, "/pgpu")) {
			inside = *tag.name != '/';
			matches = is_type = false;
		} else if (inside && is_tag(&tag, "devId")) {
			matches = is_gpu(&tag, gpu, &exact);
		} else if (is_tag(&tag, "supportedVgpu")) {
			is_type = matches && find_attribute(&tag, "vgpuId", vgpu, sizeof(vgpu)) &&
				  strcmp(vgpu, id) == 0;
		} else if (is_type && is_tag(&tag, "maxVgpus")) {
			set_limit(ret, tag.content);
			found_exact = exact;
		}
	}
}

/* Returns whether the type is there and has a name. */
static bool find_in_config(const char *config, const struct pci_device *gpu, const char *id,
			   char name[static NAME_LENGTH_MAX], struct vgpu_limits *ret)
{
	const char *text = config;
	char found[16];
	struct tag tag;

	while (text && next_tag(&text, &tag)) {
		if (!is_tag(&tag, "vgpuType") ||
		    !find_attribute(&tag, "id", found, sizeof(found)) || strcmp(found, id) != 0)
			continue;
		read_type(text, ret);
		find_max_instances(config, gpu, id, &ret->max_instances);
		return find_attribute(&tag, "name", name, NAME_LENGTH_MAX) && *name;
	}
	return false;
}

/* ---- remembered names ---- */

static bool is_id(const char *id)
{
	size_t length = strspn(id, DIGITS);

	return length && length < 10 && !id[length];
}

/* Whether NAME can be remembered: a number is not a name. */
static bool is_name(const char *name)
{
	return name && strlen(name) < NAME_LENGTH_MAX && !strpbrk(name, "\r\n") &&
	       name[strspn(name, DIGITS " ")];
}

static bool find_in_names(const char *names, const char *id, char name[static NAME_LENGTH_MAX])
{
	size_t length = strlen(id);

	for (; names && *names; names += strcspn(names, "\n"), names += *names == '\n')
		if (strncmp(names, id, length) == 0 && names[length] == ' ') {
			names += length + 1;
			length = strcspn(names, "\n");
			if (!length || length >= NAME_LENGTH_MAX)
				return false;
			memcpy(name, names, length);
			name[length] = '\0';
			return is_name(name);
		}
	return false;
}

/* The name with which a VF lists type ID; NULL if none does. */
static const char *find_listed(const struct inventory *inventory, const char *id)
{
	inventory_foreach(inventory, device)
		for (size_t i = 0; i < device->vgpu_type_count; i++)
			if (strcmp(device->vgpu_types[i].id, id) == 0 &&
			    is_name(device->vgpu_types[i].name))
				return device->vgpu_types[i].name;
	return NULL;
}

/* Writes the types that are listed with a name that is not in NAMES. */
static void write_new_names(FILE *out, const struct inventory *inventory, const char *names)
{
	char known[NAME_LENGTH_MAX];

	inventory_foreach(inventory, device)
		for (size_t i = 0; i < device->vgpu_type_count; i++) {
			const char *id = device->vgpu_types[i].id,
				   *name = device->vgpu_types[i].name;

			/* of a type that several VFs list, only the first is written */
			if (is_id(id) && name == find_listed(inventory, id) &&
			    (!find_in_names(names, id, known) || strcmp(name, known) != 0))
				fprintf(out, "%s %s\n", id, name);
		}
}

/* In a root other than "/", links must not lead out of it. */
static int open_state(struct sysroot *root, bool create)
{
	_cleanup_sysdir_ struct sysdir parent = {.fd = -1};
	char *path = NULL;
	int own, state;

	if (sysroot_is_host(root)) {
		state = state_open("", VGPUPROFILE_STATE, create, &path);
		free(path);
		return state;
	}
	state = sysdir_open(sysroot_dir(root), "var/lib", &parent);
	if (state < 0)
		return state;
	own = state_open_at(parent.fd, "pciprobe", create);
	if (own < 0)
		return own;
	state = state_open_at(own, VGPUPROFILE_STATE, create);
	close(own);
	return state;
}

static int remember_names(struct sysroot *root, const char *names)
{
	int state = open_state(root, true), error;

	if (state < 0)
		return state;
	error = state_write(state, VGPUPROFILE_NAMES, names, strlen(names));
	close(state);
	return error;
}

/* Returns -ENOMEM, or else 0. */
static int read_names(struct sysroot *root, char **ret)
{
	int state = open_state(root, false);
	ssize_t length;

	if (state < 0)
		return state == -ENOMEM ? state : 0;
	length = state_read(state, VGPUPROFILE_NAMES, NAMES_SIZE_MAX, ret, NULL);
	close(state);
	if (length < 0)
		*ret = NULL;
	return length == -ENOMEM ? -ENOMEM : 0;
}

/* Puts new names before the remembered ones, and saves them if there are any. */
static int update_names(struct sysroot *root, struct vgpu_profiles *profiles)
{
	const char *old = profiles->names ? profiles->names : "";
	char *text = NULL;
	FILE *out = textstream_open(&text);

	if (!out)
		return -ENOMEM;
	write_new_names(out, profiles->inventory, old);
	fputs(old, out);
	if (!textstream_close(out, &text))
		return -ENOMEM;
	if (strlen(text) > strlen(old) && strlen(text) < NAMES_SIZE_MAX)
		remember_names(root, text);
	free(profiles->names);
	profiles->names = text;
	return 0;
}

/* ---- both ---- */

static bool has_types(const struct inventory *inventory)
{
	inventory_foreach(inventory, device)
		if (device->vgpu_type)
			return true;
	return false;
}

int vgpu_profiles_read(struct sysroot *root, const struct inventory *inventory,
		       struct vgpu_profiles *ret)
{
	int error;

	*ret = (struct vgpu_profiles){.inventory = inventory};
	if (!has_types(inventory))
		return 0;
	error = textfile_read(root, CONFIG, CONFIG_SIZE_MAX, &ret->config);
	if (error < 0)
		ret->config = NULL;
	if (error == -ENOMEM)
		return error;
	error = read_names(root, &ret->names);
	return error ? error : update_names(root, ret);
}

void vgpu_profiles_free(struct vgpu_profiles *profiles)
{
	free(profiles->config);
	free(profiles->names);
	*profiles = (struct vgpu_profiles){0};
}

char *vgpu_profiles_find(const struct vgpu_profiles *profiles, const struct pci_device *gpu,
			 const char *id, struct vgpu_limits *ret_limits)
{
	char text[NAME_LENGTH_MAX];
	const char *name;
	bool found;

	*ret_limits = (struct vgpu_limits){0};
	errno = 0;
	if (gpu->vendor != VENDOR_NVIDIA || !is_id(id))
		return NULL;
	found = find_in_config(profiles->config, gpu, id, text, ret_limits) && is_name(text);
	errno = 0;
	name = find_listed(profiles->inventory, id);
	if (name)
		return strdup(name);
	return found || find_in_names(profiles->names, id, text) ? strdup(text) : NULL;
}
