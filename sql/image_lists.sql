-- What collections share that are made of lists of images and platemaps: cpg and own.
.read sql/image_lists/well_name.sql
.read sql/image_lists/pixel_size.sql
.read sql/image_lists/printable.sql
.read sql/image_lists/is_plain_name.sql
.read sql/image_lists/check_images.sql
.read sql/image_lists/list_channels.sql
.read sql/image_lists/number_plates.sql
.read sql/image_lists/describe_wells.sql
.read sql/image_lists/list_sites.sql
.read sql/image_lists/list_problems.sql
.read sql/image_lists/list_names.sql
.read sql/image_lists/find_named.sql
.read sql/image_lists/find_sites.sql
.read sql/image_lists/find_imaged_wells.sql
